// The broker under its customary name, as any client of Bayeux uses it.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { Client, POLLING, SOCKET, basic } from "./client.mjs";
import { Link } from "./link.mjs";
import { Server } from "./server.mjs";

// Most of the time goes by in waiting for the server to count what it holds.
describe("the broker", { concurrency: 2 }, () => {
    const ways = [POLLING, SOCKET].flatMap((transports) => [true, false].map((ack) => ({ transports, ack })));
    for (const { transports, ack } of ways) {
        const acknowledging = ack ? "with acknowledgement" : "without acknowledgement";
        describe(`over ${transports[0]}, ${acknowledging}`, { concurrency: 1 }, () => {
            let server;
            let clients = [];
            before(async () => (server = await Server.start()));
            after(async () => await server.dispose());
            afterEach(async () => {
                await Promise.all(clients.map((client) => client.close()));
                clients = [];
            });

            async function opened(agent, ...channels) {
                return await openedAt(server.base, agent, ...channels);
            }

            async function openedAt(base, agent, ...channels) {
                const client = new Client(`${base}/cometd`, { Authorization: basic(agent) }, { ack, transports });
                clients.push(client);
                await client.open(...channels);
                assert.equal(client.transport, transports[0]);
                return client;
            }

            /** All that the server sent a client before it answered this. */
            async function wireOf(client) {
                await client.call("echo", "the last");
                return client.wire;
            }

            test("what is published arrives as it was sent, also at its publisher", async () => {
                const [anna, ben] = [await opened("15000", "/demo/room"), await opened("15001", "/demo/room")];
                const sent = [
                    { text: "Grüße \u{1F600} \"quoted\" \\ \u2028", empty: {}, list: [1, [2, [null]]] },
                    "a string",
                    ["a", "list"],
                    12.5,
                    -0.001e-7,
                    false,
                    { "": "", "a.b": { "c/d": true } },
                ];
                for (const data of sent) await anna.publish("/demo/room", data);
                const expected = sent.map((data) => ({ channel: "/demo/room", data }));
                for (const client of [anna, ben]) {
                    await client.received(expected.length);
                    assert.deepEqual(await wireOf(client), expected);
                    assert.deepEqual(client.seen.get("/demo/room"), expected);
                }
            });

            test("a session gets one copy, and each of its subscriptions that match its own", async () => {
                const patterns = ["/demo/a", "/demo/*", "/demo/**", "/demo/a/*", "/demo/a/**"];
                const listener = await opened("15000", ...patterns);
                const publisher = await opened("15001");
                const channels = ["/demo/a", "/demo/b", "/demo/a/b", "/demo/a/b/c", "/demo/c/d"];
                for (const channel of channels) await publisher.publish(channel, { to: channel });
                await listener.received(channels.length);
                assert.deepEqual((await wireOf(listener)).map((message) => message.channel), channels);
                const told = (pattern) => listener.seen.get(pattern).map(({ data }) => data.to);
                const seen = Object.fromEntries(patterns.map((pattern) => [pattern, told(pattern)]));
                assert.deepEqual(seen, {
                    "/demo/a": ["/demo/a"],
                    "/demo/*": ["/demo/a", "/demo/b"],
                    "/demo/**": channels,
                    "/demo/a/*": ["/demo/a/b"],
                    "/demo/a/**": ["/demo/a/b", "/demo/a/b/c"],
                });
                assert.deepEqual(await wireOf(publisher), []);
            });

            test("two sessions of one agent are told separately", async () => {
                const windows = [await opened("15000", "/demo/two"), await opened("15000", "/demo/two")];
                assert.notEqual(windows[0].id, windows[1].id);
                await windows[0].publish("/demo/two", 1);
                for (const window of windows) await window.received(1);
                await windows[0].close();
                await windows[1].publish("/demo/two", 2);
                await windows[1].received(2);
                assert.deepEqual((await wireOf(windows[1])).map(({ data }) => data), [1, 2]);
                assert.deepEqual(windows[0].wire.map(({ data }) => data), [1]);
            });

            test("a remote call is answered to its caller alone", async () => {
                const [anna, ben] = [await opened("15000"), await opened("15001")];
                const question = { deep: [{ a: null }], text: "?" };
                const asked = [anna.call("echo", question), anna.call("echo", "second"), ben.call("echo", "other")];
                const answers = await Promise.all(asked);
                assert.deepEqual(answers.map(({ channel, data }) => [channel, data]), [
                    ["/service/echo", question],
                    ["/service/echo", "second"],
                    ["/service/echo", "other"],
                ]);
            });

            test("what is published right after subscribes is heard by them", async () => {
                const anna = await opened("15000");
                for (let round = 0; round < 8; round++) {
                    const channels = ["a", "b", "c"].map((name) => `/demo/${round}/${name}`);
                    const asked = channels.map((channel) => anna.subscribe(channel));
                    await Promise.all([...asked, anna.publish(channels[2], round)]);
                }
                await anna.received(8);
                assert.deepEqual((await wireOf(anna)).map(({ data }) => data), [0, 1, 2, 3, 4, 5, 6, 7]);
            });

            test("a batch goes in one request, and is delivered in its order", async () => {
                const [anna, ben] = [await opened("15000"), await opened("15001", "/demo/batch")];
                const order = Array.from({ length: 50 }, (_, n) => n);
                const replies = [];
                anna.cometd.batch(() => {
                    for (const n of order) anna.cometd.publish("/demo/batch", n, (reply) => replies.push(reply));
                });
                await ben.received(50);
                await anna.call("echo", "the last");
                assert.deepEqual((await wireOf(ben)).map(({ data }) => data), order);
                const batch = anna.exchanges.filter(({ sent }) => sent[0].channel === "/demo/batch");
                assert.deepEqual(batch.map(({ sent }) => sent.length), [50]);
                assert.equal(replies.length, 50);
                assert.ok(replies.every((reply) => reply.successful));
            });

            test("many messages from two publishers arrive once, and in the order of each", async () => {
                const listener = await opened("15002", "/demo/many");
                const publishers = [await opened("15000"), await opened("15001")];
                await Promise.all(
                    publishers.map(async (publisher, from) => {
                        for (let n = 0; n < 100; n++) await publisher.publish("/demo/many", { from, n });
                    }),
                );
                await listener.received(200);
                const wire = await wireOf(listener);
                assert.equal(wire.length, 200);
                const order = Array.from({ length: 100 }, (_, n) => n);
                for (const from of [0, 1]) {
                    assert.deepEqual(wire.filter(({ data }) => data.from === from).map(({ data }) => data.n), order);
                }
            });

            test("after unsubscribing nothing more arrives, except for what is still subscribed to", async () => {
                const client = await opened("15000", "/demo/kept");
                const handle = await client.subscribe("/demo/left");
                await client.publish("/demo/left", 1);
                await client.received(1);
                await client.unsubscribe(handle);
                await client.publish("/demo/left", 2);
                await client.publish("/demo/kept", 3);
                await client.received(2);
                assert.deepEqual((await wireOf(client)).map(({ data }) => data), [1, 3]);
                await client.subscribe("/demo/left");
                await client.publish("/demo/left", 4);
                await client.received(3);
                assert.deepEqual((await wireOf(client)).map(({ data }) => data), [1, 3, 4]);
            });

            test("what is not allowed is refused with its reason, and the session goes on", async () => {
                const client = await opened("15000");
                const refused = async (does, error) => {
                    await assert.rejects(does, ({ message }) => error.test(JSON.parse(message).error));
                };
                await refused(client.subscribe("/elsewhere"), /^403:/);
                await refused(client.publish("/elsewhere", {}), /^403:/);
                await refused(client.publish("/v2/me/calls", {}), /^403:/);
                await refused(client.publish("/demo/*", {}), /^405:/);
                await client.subscribe("/demo/allowed");
                await client.publish("/demo/allowed", "still here");
                await client.received(1);
                assert.equal(client.handshakes.length, 1);
            });

            test("a goodbye ends the session at once, although a connect was held", async () => {
                const client = await opened("15000", "/demo/bye");
                await server.parks(1);
                const { id } = client;
                await client.close();
                await server.parks(0);
                const [reply] = await raw(client, "connect", { connectionType: "long-polling", clientId: id });
                assert.equal(reply.successful, false);
                assert.match(reply.error, /^402:/);
                assert.equal(reply.advice.reconnect, "handshake");
            });

            test("a held connect is released when its session is ended beside it", async () => {
                const client = await opened("15000");
                await server.parks(1);
                const held = client.exchanges.at(-1);
                const [reply] = await raw(client, "disconnect", { clientId: client.id });
                assert.deepEqual(reply, { channel: "/meta/disconnect", id: "raw", successful: true });
                await client.until(() => held.received, "the end of the connect");
                assert.equal(held.received.length, 1);
                const [{ channel, id, successful, advice }] = held.received;
                assert.deepEqual([channel, id, successful], ["/meta/connect", held.sent[0].id, true]);
                assert.equal(advice.reconnect, "none");
                await server.parks(0);
                assert.ok(client.cometd.isDisconnected());
            });

            test("a broken connection loses nothing, and repeats nothing", async () => {
                const link = await Link.to(server.port);
                const [far, near] = [await openedAt(link.base, "15000", "/demo/far"), await opened("15001")];
                const { id } = far;
                for (const n of [1, 2, 3]) {
                    await server.parks(2);
                    link.cut();
                    await server.parks(1);
                    await near.publish("/demo/far", n);
                    link.mend();
                    await far.received(n);
                }
                assert.deepEqual((await wireOf(far)).map(({ data }) => data), [1, 2, 3]);
                assert.deepEqual([far.id, far.handshakes.length], [id, 1]);
                await far.close();
                await link.close();
            });

            test("a client whose cookie is another's cannot use its session", async () => {
                const [anna, ben] = [await opened("15000"), await opened("15001")];
                const [reply] = await raw(ben, "connect", { connectionType: "long-polling", clientId: anna.id });
                assert.equal(reply.successful, false);
                assert.match(reply.error, /^402:/);
                await anna.call("echo", "still here");
            });

            /** Sends a message with a client's cookies, but not by the client. */
            async function raw(client, meta, fields) {
                const answer = await fetch(`${server.base}/cometd/${meta}`, {
                    method: "POST",
                    headers: {
                        Authorization: client.requestHeaders.Authorization,
                        Cookie: [...client.cookies.values()].join("; "),
                        "Content-Type": "application/json",
                    },
                    body: JSON.stringify([{ channel: `/meta/${meta}`, id: "raw", ...fields }]),
                });
                assert.equal(answer.status, 200);
                return await answer.json();
            }
        });
    }
});

test("a client that is told nothing for long comes back again and again, and then is told", async () => {
    const server = await Server.start({ PARTYLINE__BAYEUX__TIMEOUT: "50ms" });
    const client = new Client(`${server.base}/cometd`, { Authorization: basic("15000") });
    await client.open("/demo/idle");
    await client.until(() => client.connects.length > 20, "many connects");
    await client.publish("/demo/idle", "at last");
    await client.received(1);
    assert.ok(client.connects.every((reply) => reply.successful));
    assert.equal(client.handshakes.length, 1);
    await client.close();
    await server.dispose();
});
