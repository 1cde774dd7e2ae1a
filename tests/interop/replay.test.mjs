// History as clients of Salesforce ask for it: an extension that waits for `ext.replay` in the handshake's reply, puts a
// map into each subscribe, and remembers `data.event.replayId`.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { basic, Client, closeAll } from "./client.mjs";
import { Server } from "./server.mjs";

const CHANNEL = "/event/Order__e";

/** What the samples for streaming register, with one replay id for each channel. */
class Replay {
    enabled = false;

    constructor(from) {
        this.map = { ...from };
    }

    incoming(message) {
        if (message.channel === "/meta/handshake") this.enabled = message.ext?.replay === true;
        const id = message.data?.event?.replayId;
        if (id && message.channel in this.map) this.map[message.channel] = id;
        return message;
    }

    outgoing(message) {
        if (message.channel === "/meta/subscribe" && this.enabled) {
            message.ext = { ...message.ext, replay: this.map };
        }
        return message;
    }
}

describe("history for clients of Salesforce", () => {
    let server;
    let publisher;
    beforeEach(async () => {
        const rule = `pattern='/event/*',subscribe='agents',publish='agents',create='agents'`;
        server = await Server.start({
            PARTYLINE__CHANNEL: `[{${rule},durable=true,replay_id_in_data=true}]`,
            PARTYLINE__BAYEUX__QUEUE_MESSAGES: "40",
        });
        publisher = new Client(`${server.base}/cometd`, { Authorization: basic("15001") });
        await publisher.open();
        await publish(0, 25);
    });
    afterEach(async () => {
        await closeAll();
        await server.dispose();
    });

    async function publish(from, to) {
        for (let number = from; number < to; number += 1) {
            await publisher.publish(CHANNEL, { schema: "s", payload: { number }, event: { EventUuid: `${number}` } });
        }
    }

    async function reader(from, options) {
        const client = new Client(`${server.base}/cometd`, { Authorization: basic("15000") }, options);
        client.replay = new Replay({ [CHANNEL]: from, "/event/Other__e": -1 });
        client.cometd.registerExtension("replay", client.replay);
        await client.open(CHANNEL);
        return client;
    }

    const numbers = (client) => client.seen.get(CHANNEL).map((message) => message.data.payload.number);
    const upTo = (count, from = 0) => Array.from({ length: count - from }, (_, index) => from + index);

    for (const ack of [false, true]) {
        test(`all that is kept comes, then what is new, ${ack ? "acknowledged" : "not acknowledged"}`, async () => {
            const client = await reader(-2, { ack });
            await client.received(25);
            await publish(25, 30);
            await client.received(30);
            assert.deepEqual(numbers(client), upTo(30));
            for (const message of client.seen.get(CHANNEL)) {
                assert.equal(message.data.event.replayId, message.ext.replay);
                assert.equal(message.data.event.EventUuid, `${message.data.payload.number}`);
            }
        });
    }

    test("a client that comes back with the id that it saw last is told the rest, also by another server process", async () => {
        const first = await reader(-2, { ack: true });
        await first.received(25);
        const last = first.replay.map[CHANNEL];
        await first.close();
        await publish(25, 28);
        await server.kill();
        await server.run();
        const second = await reader(`${last}`, { ack: true });
        await second.received(3);
        assert.deepEqual(numbers(second), upTo(28, 25));
    });

    test("a server that is killed in the middle leaves no gap and nothing twice", async () => {
        const client = await reader(-2, { ack: true });
        await client.received(10);
        const id = client.id;
        await server.kill();
        await server.run();
        await client.received(25);
        assert.equal(client.id, id);
        assert.deepEqual([...new Set(numbers(client))], upTo(25));
        assert.ok(numbers(client).length <= 35, "only a page that was not acknowledged may come again");
    });

    test("new is what is new, and an id that is none is refused", async () => {
        const client = await reader(-1);
        await publish(25, 27);
        await client.received(2);
        assert.deepEqual(numbers(client), [25, 26]);
        await assert.rejects(reader(2 ** 52), /400:\/event\/Order__e:replay_id_invalid/);
    });
});
