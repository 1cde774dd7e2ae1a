// Faye's client as jsforce sets it up for durable streaming: with an extension that puts the position into each
// subscribe, a path with a version, and no batching. jsforce itself would bring a hundred megabytes for the same messages.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Server } from "../server.mjs";
import { faye } from "./faye-node.mjs";
import { FayeDriver } from "./faye.mjs";
import { MOUNT, Peer, basic } from "./peer.mjs";

const CHANNEL = "/event/Order__e";

/** Asks for what came after a position, and remembers the newest, so that it goes on there after a second handshake. */
class Replay {
    constructor(channel, from) {
        this.channel = channel;
        this.from = from;
    }

    incoming(message, pass) {
        if (message.channel === this.channel && message.data?.event?.replayId) this.from = message.data.event.replayId;
        pass(message);
    }

    outgoing(message, pass) {
        if (message.channel === "/meta/subscribe") {
            message.ext = { ...message.ext, replay: { [this.channel]: this.from } };
        }
        pass(message);
    }
}

describe("Faye with the replay extension of jsforce", { concurrency: 1 }, () => {
    let server;
    let publisher;
    let peers = [];
    before(async () => {
        const rule = `pattern='/event/*',subscribe='agents',publish='agents',create='agents'`;
        server = await Server.start({
            PARTYLINE__CHANNEL: `[{${rule},durable=true,replay_id_in_data=true}]`,
            PARTYLINE__BAYEUX__TIMEOUT: "2s",
        });
        publisher = await opened("15001");
        await publish(1, 2, 3);
    });
    after(async () => {
        await Promise.all(peers.map((peer) => peer.close()));
        await server.dispose();
    });

    async function opened(agent, replay) {
        const peer = new Peer((take) => new FayeDriver(faye, take, replay ? [replay] : []));
        peers.push(peer);
        const url = `${server.base}${MOUNT}/62.0`;
        const options = { url, headers: { Authorization: basic(agent) }, transport: "long-polling", batching: false };
        await peer.open(options, ...(replay ? [CHANNEL] : []));
        return peer;
    }

    async function publish(...numbers) {
        for (const number of numbers) await publisher.publish(CHANNEL, { payload: { number }, event: {} });
    }

    const numbers = (peer) => peer.heard.map(({ payload }) => payload.number);

    test("all that is kept comes first, then what is new, and a position brings what came after it", async () => {
        const all = await opened("15000", new Replay(CHANNEL, -2));
        await all.received(3);
        await publish(4);
        await all.received(4);
        assert.deepEqual(numbers(all), [1, 2, 3, 4]);

        const second = all.heard[1].event.replayId;
        const after = await opened("15000", new Replay(CHANNEL, second));
        await after.received(2);
        assert.deepEqual(numbers(after), [3, 4]);

        const fresh = await opened("15000", new Replay(CHANNEL, -1));
        await publish(5);
        for (const peer of [fresh, after, all]) await peer.until(() => numbers(peer).includes(5), "the new one");
        assert.deepEqual(numbers(fresh), [5]);
        assert.deepEqual(numbers(after), [3, 4, 5]);
    });

    test("after a server was killed it goes on where it was", async () => {
        const peer = await opened("15002", new Replay(CHANNEL, -2));
        await peer.received(5);
        await server.kill();
        await server.run();
        for (const each of [peer, publisher]) await each.until(() => each.handshakes.length >= 2, "a second handshake");
        await publish(6);
        await peer.received(6);
        assert.deepEqual(numbers(peer), [1, 2, 3, 4, 5, 6]);
    });
});
