// What holds for sessions, and the extensions, as the official client sees them.

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { BinaryExtension, TimeStampExtension, TimeSyncExtension } from "cometd";
import { Client, basic } from "./client.mjs";
import { Link } from "./link.mjs";
import { Server } from "./server.mjs";

/** Channels of a test, all for whoever is logged in. */
function channels(...rules) {
    const all = 'subscribe = "agents", publish = "agents", create = "agents"';
    return { PARTYLINE__CHANNEL: `[${rules.map((rule) => `{ ${rule}, ${all} }`).join(", ")}]` };
}

describe("sessions", { concurrency: 1 }, () => {
    let server;
    let clients = [];

    afterEach(async () => {
        await Promise.all(clients.map((client) => client.close()));
        clients = [];
        await server.dispose();
    });

    async function started(settings) {
        server = await Server.start(settings);
    }

    async function opened(agent, options, ...subscriptions) {
        const client = new Client(`${options.base ?? server.base}/cometd`, { Authorization: basic(agent) }, options);
        clients.push(client);
        await client.open(...subscriptions);
        return client;
    }

    /** The request whose response brought a message with this data. */
    function bringerOf(client, data) {
        return client.exchanges.find(({ received }) => received?.some((message) => message.data === data));
    }

    test("what is lazy waits for its time, or for what is not", async () => {
        await started(channels('pattern = "/demo/lazy/**", lazy = "400ms"', 'pattern = "/demo/**"'));
        const listener = await opened("15000", {}, "/demo/**");
        const publisher = await opened("15001", {});
        await server.parks(2);
        const before = Date.now();
        await publisher.publish("/demo/lazy/a", 1);
        await publisher.publish("/demo/lazy/a/b", 2);
        await listener.received(2);
        const waited = Date.now() - before;
        assert.ok(waited >= 395, `only ${waited} ms`);
        assert.equal(bringerOf(listener, 1), bringerOf(listener, 2), "the earlier took the later along");
        await server.parks(2);
        await publisher.publish("/demo/lazy/a", 3);
        await publisher.publish("/demo/b", 4);
        await listener.received(4);
        assert.deepEqual(listener.wire.map(({ data }) => data), [1, 2, 3, 4]);
        assert.equal(bringerOf(listener, 3), bringerOf(listener, 4));
    });

    test("a second tab is told to be slow, and when the first has gone that it need not be", async () => {
        await started({ PARTYLINE__BAYEUX__MULTI_SESSION_INTERVAL: "100ms" });
        const cookies = new Map();
        const first = await opened("15000", { cookies }, "/demo/tab");
        await server.parks(1);
        const second = await opened("15000", { cookies }, "/demo/tab");
        const slow = { reconnect: "retry", interval: 100, "multiple-clients": true };
        await second.until(() => second.connects.length >= 3, "connects that are answered at once");
        assert.deepEqual(second.connects.map(({ advice }) => advice), second.connects.map(() => slow));
        await first.publish("/demo/tab", 1);
        await second.received(1);
        await first.close();
        await server.parks(1);
        await second.publish("/demo/tab", 2);
        await second.received(2);
        await second.until(() => !second.connects.at(-1).advice?.["multiple-clients"], "other advice");
        assert.deepEqual(second.connects.at(-1).advice, { reconnect: "retry", interval: 0, timeout: 30_000 });
        assert.deepEqual(second.wire.map(({ data }) => data), [1, 2]);
        assert.equal(second.handshakes.length, 1);
    });

    test("only connects bring messages, if that was set", async () => {
        await started({ PARTYLINE__BAYEUX__META_CONNECT_DELIVER_ONLY: "true" });
        const client = await opened("15000", {}, "/demo/own");
        for (const n of [1, 2, 3]) await client.publish("/demo/own", n);
        await client.received(3);
        for (const n of [1, 2, 3]) assert.equal(bringerOf(client, n).sent[0].channel, "/meta/connect");
    });

    test("a publisher does not hear itself, if that was set", async () => {
        await started({ PARTYLINE__BAYEUX__BROADCAST_TO_PUBLISHER: "false" });
        const [anna, ben] = [await opened("15000", {}, "/demo/both"), await opened("15001", {}, "/demo/both")];
        await anna.publish("/demo/both", "anna");
        await ben.publish("/demo/both", "ben");
        await anna.received(1);
        await ben.received(1);
        assert.deepEqual([anna.wire, ben.wire].map(([message]) => message.data), ["ben", "anna"]);
    });

    test("a handshake tells all that was set, and acknowledging begins where it says", async () => {
        await started({
            PARTYLINE__BAYEUX__DELIVER_IN_HANDSHAKE: "true",
            PARTYLINE__BAYEUX__HANDSHAKE_RECONNECT: "true",
        });
        const client = await opened("15000", { ack: true }, "/demo/a");
        const [reply] = client.handshakes;
        assert.equal(reply["x-messages"], 0);
        assert.deepEqual(reply.advice, { reconnect: "retry", interval: 0, timeout: 30_000, maxInterval: 10_000 });
        assert.equal(reply.ext.ack.enabled, true);
        const connect = client.exchanges.find(({ sent }) => sent[0].channel === "/meta/connect");
        assert.equal(connect.sent[0].ext.ack, reply.ext.ack.batch);
        await client.publish("/demo/a", 1);
        await client.received(1);
        assert.equal(client.handshakes.length, 1);
    });

    test("clocks are compared", async () => {
        await started({});
        const clock = new TimeSyncExtension();
        const client = await opened("15000", { extensions: { clock } }, "/demo/a");
        const synced = client.exchanges.flatMap(({ received }) => received ?? []).filter(({ ext }) => ext?.timesync);
        assert.ok(synced.length >= 1, "and who knows is not told again");
        assert.ok(synced.some(({ channel }) => channel === "/meta/handshake"));
        assert.ok(synced.every(({ ext }) => Number.isInteger(ext.timesync.a) && ext.timesync.p >= 0));
        assert.ok(Math.abs(clock.getTimeOffset()) < 1_000, `it is the same clock: ${clock.getTimeOffset()}`);
    });

    test("messages bear their time, if that was set", async () => {
        await started({ PARTYLINE__BAYEUX__TIMESTAMP: "true" });
        const began = Date.now() - 1;
        const client = await opened("15000", { extensions: { stamp: new TimeStampExtension() } }, "/demo/a");
        await client.publish("/demo/a", 1);
        await client.received(1);
        const all = client.exchanges.flatMap(({ received }) => received ?? []);
        for (const message of all) {
            assert.match(message.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, JSON.stringify(message));
            const time = Date.parse(message.timestamp);
            assert.ok(time >= began && time <= Date.now(), message.timestamp);
        }
    });

    for (const ack of [true, false]) {
        test(`bytes arrive as they were sent, ${ack ? "with" : "without"} acknowledgement`, async () => {
            await started({});
            const binary = () => ({ ack, extensions: { binary: new BinaryExtension() } });
            const [anna, ben] = [await opened("15000", binary()), await opened("15001", binary())];
            const seen = [];
            await new Promise((done) => ben.cometd.subscribe("/demo/bytes", (message) => seen.push(message), done));
            const sent = [[], [0], [0, 255, 128, 10, 34], Array.from({ length: 1_000 }, (_, n) => n % 256)];
            for (const bytes of sent) {
                const meta = { length: bytes.length };
                await new Promise((done) =>
                    anna.cometd.publishBinary("/demo/bytes", Uint8Array.from(bytes).buffer, true, meta, done),
                );
            }
            await ben.received(sent.length);
            assert.deepEqual(seen.map(({ data }) => [...new Uint8Array(data.data)]), sent);
            assert.deepEqual(seen.map(({ data }) => data.meta.length), sent.map((bytes) => bytes.length));
        });
    }

    test("a client that was away too long is told how much it missed", async () => {
        await started({
            PARTYLINE__BAYEUX__SLOW_CONSUMER: "drop-oldest",
            PARTYLINE__BAYEUX__QUEUE_MESSAGES: "10",
        });
        const link = await Link.to(server.port);
        const far = await opened("15000", { base: link.base }, "/demo/far");
        const near = await opened("15001", {});
        await server.parks(2);
        link.cut();
        await server.parks(1);
        for (let n = 1; n <= 30; n++) await near.publish("/demo/far", n);
        link.mend();
        await far.received(10);
        const [gap, ...rest] = far.wire;
        assert.deepEqual([gap.channel, gap.data], ["/service/partyline/gap", { dropped: 21 }]);
        assert.deepEqual(rest.map(({ data }) => data), [22, 23, 24, 25, 26, 27, 28, 29, 30]);
        assert.equal(far.handshakes.length, 1);
        await far.close();
        await link.close();
    });

    test("who publishes too much is told so, and may go on later", async () => {
        await started({ PARTYLINE__BAYEUX__PUBLISH_RATE: "2" });
        const client = await opened("15000", {});
        const publish = (n) => client.publish("/demo/a", n).then(() => "taken", ({ message }) => JSON.parse(message).error);
        const told = [];
        for (let n = 0; n < 25 && !told.includes("429::limit:publish_rate"); n++) told.push(await publish(n));
        assert.equal(told.at(-1), "429::limit:publish_rate");
        assert.ok(told.length > 20, `${told.length} at once`);
        while ((await publish(0)) !== "taken") await new Promise((resolve) => setTimeout(resolve, 50));
        assert.equal(client.handshakes.length, 1);
    });
});
