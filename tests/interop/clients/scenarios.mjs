// What every client does with the server, whatever its make and its transport.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { Link } from "../link.mjs";
import { Server } from "../server.mjs";
import { MOUNT, Peer, basic } from "./peer.mjs";

/**
 * Each is given a `Stage`. `needs` are abilities that not every client has, and `only` is "ack" if it is for sessions
 * that acknowledge.
 */
const SCENARIOS = [
    {
        title: "what is published arrives as it was sent, also at its publisher",
        async play(stage) {
            const [anna, ben] = [await stage.opened("15000", "/demo/room"), await stage.opened("15001", "/demo/room")];
            const sent = [
                { text: "Grüße \u{1F600} \"quoted\" \\ \u2028", empty: {}, list: [1, { two: [null] }] },
                { n: -12.5, yes: true, no: false, nothing: null, "a.b": { "c/d": "" } },
            ];
            for (const data of sent) await anna.publish("/demo/room", data);
            for (const peer of [anna, ben]) {
                await peer.received(sent.length);
                assert.deepEqual(peer.wire, sent.map((data) => ({ channel: "/demo/room", data })));
            }
        },
    },
    {
        title: "a session gets one copy, and each of its subscriptions that match its own",
        async play(stage) {
            const patterns = ["/demo/a", "/demo/*", "/demo/**", "/demo/a/*", "/demo/a/**"];
            const listener = await stage.opened("15000", ...patterns);
            const publisher = await stage.opened("15001");
            const channels = ["/demo/a", "/demo/b", "/demo/a/b", "/demo/a/b/c", "/demo/c/d"];
            for (const channel of channels) await publisher.publish(channel, { to: channel });
            await listener.received(channels.length);
            assert.deepEqual(listener.wire.map(({ channel }) => channel), channels);
            assert.deepEqual(publisher.wire, []);
            if (!stage.tells) return;
            const count = () => [...listener.seen.values()].flat().length;
            await listener.until(() => count() >= 11, "what each subscription is given");
            const told = (pattern) => listener.seen.get(pattern).map(({ data }) => data.to);
            assert.deepEqual(Object.fromEntries(patterns.map((pattern) => [pattern, told(pattern)])), {
                "/demo/a": ["/demo/a"],
                "/demo/*": ["/demo/a", "/demo/b"],
                "/demo/**": channels,
                "/demo/a/*": ["/demo/a/b"],
                "/demo/a/**": ["/demo/a/b", "/demo/a/b/c"],
            });
        },
    },
    {
        title: "after unsubscribing nothing more arrives, except for what is still subscribed to",
        async play(stage) {
            const peer = await stage.opened("15000", "/demo/kept", "/demo/left");
            await peer.publish("/demo/left", { n: 1 });
            await peer.received(1);
            await peer.unsubscribe("/demo/left");
            await peer.publish("/demo/left", { n: 2 });
            await peer.publish("/demo/kept", { n: 3 });
            await peer.received(2);
            assert.deepEqual(peer.heard, [{ n: 1 }, { n: 3 }]);
        },
    },
    {
        title: "a remote call is answered to its caller alone",
        needs: "calls",
        async play(stage) {
            const [anna, ben] = [await stage.opened("15000"), await stage.opened("15001")];
            const question = { deep: [{ a: null }], text: "?" };
            assert.deepEqual(await anna.call("echo", question), question);
            assert.deepEqual(await ben.call("echo", { n: 2 }), { n: 2 });
            assert.deepEqual(await anna.call("echo", { n: 3 }), { n: 3 });
        },
    },
    {
        title: "a batch is delivered in its order",
        needs: "batch",
        async play(stage) {
            const [anna, ben] = [await stage.opened("15000"), await stage.opened("15001", "/demo/batch")];
            const order = Array.from({ length: 40 }, (_, n) => ({ n }));
            await anna.batch(order.map((data) => ["/demo/batch", data]));
            await ben.received(order.length);
            assert.deepEqual(ben.heard, order);
        },
    },
    {
        title: "many messages from two publishers arrive once, and in the order of each",
        async play(stage) {
            const listener = await stage.opened("15002", "/demo/many");
            const publishers = [await stage.opened("15000"), await stage.opened("15001")];
            const order = Array.from({ length: 50 }, (_, n) => n);
            await Promise.all(
                publishers.map(async (publisher, from) => {
                    for (const n of order) await publisher.publish("/demo/many", { from, n });
                }),
            );
            await listener.received(2 * order.length);
            assert.equal(listener.wire.length, 2 * order.length);
            for (const from of [0, 1]) {
                assert.deepEqual(listener.heard.filter((data) => data.from === from).map(({ n }) => n), order);
            }
        },
    },
    {
        title: "what is not allowed is refused with its reason, and the session goes on",
        async play(stage) {
            const peer = await stage.opened("15000");
            await assert.rejects(peer.subscribe("/elsewhere"), /403|denied/);
            await assert.rejects(peer.publish("/elsewhere", {}), /403|denied/);
            await peer.subscribe("/demo/allowed");
            await peer.publish("/demo/allowed", { still: "here" });
            await peer.received(1);
            assert.deepEqual(peer.heard, [{ still: "here" }]);
            assert.equal(peer.handshakes.length, 1);
        },
    },
    {
        title: "a client that is told nothing for long comes back again and again, and then is told",
        async play(stage) {
            const peer = await stage.opened("15000", "/demo/idle");
            await peer.until(() => peer.connects >= 3, "three connects");
            await peer.publish("/demo/idle", { at: "last" });
            await peer.received(1);
            assert.deepEqual(peer.heard, [{ at: "last" }]);
            assert.equal(peer.handshakes.length, 1);
        },
    },
    {
        title: "bytes arrive as they were sent",
        needs: "binary",
        async play(stage) {
            const [anna, ben] = [await stage.opened("15000"), await stage.opened("15001", "/demo/bytes")];
            const bytes = Array.from({ length: 259 }, (_, n) => n % 256);
            await anna.binary("/demo/bytes", bytes);
            await ben.until(() => ben.seen.has("/demo/bytes"), "bytes");
            assert.deepEqual(ben.seen.get("/demo/bytes"), [
                { channel: "/demo/bytes", data: { bytes, last: true, meta: { made: "here" } } },
            ]);
        },
    },
    {
        title: "a goodbye ends the session at once",
        async play(stage) {
            await stage.opened("15001");
            const peer = await stage.opened("15000", "/demo/bye");
            await stage.server.counts("partyline_sessions", 2);
            await peer.close();
            await stage.server.counts("partyline_sessions", 1);
        },
    },
    {
        title: "a reload loses nothing, and keeps the clientId",
        needs: "reload",
        async play(stage) {
            const [far, near] = [await stage.opened("15000", "/demo/page"), await stage.opened("15001")];
            const { id } = far;
            await near.publish("/demo/page", { n: 1 });
            await far.received(1);
            await stage.listens(2);
            await far.leave();
            await stage.listens(1);
            await near.publish("/demo/page", { n: 2 });
            await far.comeBack();
            await near.publish("/demo/page", { n: 3 });
            await far.received(3);
            assert.deepEqual(far.heard, [{ n: 1 }, { n: 2 }, { n: 3 }]);
            assert.equal(far.id, id);
        },
    },
    {
        title: "a broken network loses nothing, and repeats nothing",
        async play(stage) {
            const link = await stage.link();
            const far = await stage.openedAt(link.base, "15000", "/demo/far");
            const near = await stage.opened("15001");
            const { id } = far;
            for (const n of [1, 2, 3]) {
                await stage.listens(2);
                link.cut();
                await stage.listens(1);
                await near.publish("/demo/far", { n });
                link.mend();
                await far.received(n);
            }
            assert.deepEqual(far.heard, [{ n: 1 }, { n: 2 }, { n: 3 }]);
            assert.deepEqual([far.id, far.handshakes.length], [id, 1]);
        },
    },
    {
        title: "a planned stop loses and repeats nothing, and the session goes on",
        async play(stage) {
            const [far, near] = [await stage.opened("15000", "/demo/stop"), await stage.opened("15001")];
            const ids = [far.id, near.id];
            await near.publish("/demo/stop", { n: 1 });
            await far.received(1);
            await stage.listens(2);
            assert.equal(await stage.server.stop(), 0);
            await stage.server.run();
            await stage.listens(2);
            await near.publish("/demo/stop", { n: 2 });
            await far.received(2);
            assert.deepEqual(far.heard, [{ n: 1 }, { n: 2 }]);
            assert.deepEqual([far.id, near.id], ids);
        },
    },
    {
        title: "a session that acknowledges what is on disk survives a server that is killed",
        only: "ack",
        async play(stage) {
            const [far, near] = [await stage.opened("15000", "/kept/kill"), await stage.opened("15001")];
            const ids = [far.id, near.id];
            await near.publish("/kept/kill", { n: 1 });
            await far.received(1);
            await stage.listens(2);
            await stage.server.kill();
            await stage.server.run();
            await stage.listens(2);
            await near.publish("/kept/kill", { n: 2 });
            await far.received(2);
            assert.deepEqual([...new Set(far.heard.map(({ n }) => n))], [1, 2]);
            assert.deepEqual([far.id, near.id], ids);
        },
    },
    {
        title: "where a server that was killed may have taken something with it, a client begins again by itself",
        async play(stage) {
            const [far, near] = [await stage.opened("15000", "/demo/kill"), await stage.opened("15001")];
            const { id } = far;
            await near.publish("/demo/kill", { n: 1 });
            await far.received(1);
            await stage.listens(2);
            await stage.server.kill();
            await stage.server.run();
            await far.until(() => far.handshakes.length >= 2, "a second handshake");
            await stage.listens(2);
            await near.publish("/demo/kill", { n: 2 });
            await far.received(2);
            assert.deepEqual(far.heard, [{ n: 1 }, { n: 2 }]);
            assert.notEqual(far.id, id);
        },
    },
];

/** One server and the clients of one test. */
class Stage {
    #driver;
    #options;
    #peers = [];
    #links = [];

    constructor(server, driver, tells, options) {
        this.server = server;
        /** Whether a client tells which subscription it was that was given something. */
        this.tells = tells;
        this.#driver = driver;
        this.#options = options;
    }

    /** A client of an agent, subscribed to these. */
    async opened(agent, ...channels) {
        return await this.openedAt(this.server.base, agent, ...channels);
    }

    async openedAt(base, agent, ...channels) {
        return await this.openedWith({ url: `${base}${MOUNT}` }, agent, ...channels);
    }

    /** The same with other options than the stage's own. */
    async openedWith(options, agent, ...channels) {
        const peer = new Peer(this.#driver);
        this.#peers.push(peer);
        const url = `${this.server.base}${MOUNT}`;
        const headers = { Authorization: basic(agent) };
        await peer.open({ url, headers, ...this.#options, ...options }, ...channels);
        return peer;
    }

    /** Waits until so many clients can be told something: a connect of theirs is held, or they have a stream. */
    async listens(count) {
        const streams = this.#options.transport === "eventsource";
        await this.server.counts(streams ? 'partyline_sessions{transport="eventsource"}' : "partyline_parked_connects", count);
    }

    /** A network to the server that breaks when told to. */
    async link() {
        const link = await Link.to(this.server.port);
        this.#links.push(link);
        return link;
    }

    /** Says goodbye for all that a test left open, also when it failed. */
    async clear() {
        const [peers, links] = [this.#peers, this.#links];
        this.#peers = [];
        this.#links = [];
        await Promise.all(peers.map((peer) => peer.close()));
        await Promise.all(links.map((link) => link.close()));
        await this.server.counts("partyline_sessions", 0);
    }
}

/**
 * Plays all scenarios with one make of client, on each of its transports, with a server for each.
 *
 * `driver` makes what a `Peer` drives. `can` names abilities: "ack", "batch", "binary", "calls", "reload". `settings` are
 * for the server, `more` are scenarios of its own, `acknowledging` are the transports that are tried with acknowledgement,
 * too. `tells` is whether the client tells which subscription was given something. `begin` and `end` are called before the
 * first and after the last. `together` is how many transports are tried at once, or whether all are. `skip` is why it
 * cannot be run here.
 */
export function play(name, { transports, driver, can = [], settings = {}, more = [], ...rest }) {
    const { acknowledging = can.includes("ack") ? transports : [], tells = true } = rest;
    const { begin, end, together = true, skip = false } = rest;
    // Most of the time goes by in waiting for the server to count what it holds.
    describe(name, { concurrency: together, skip }, () => {
        if (begin) before(begin);
        if (end) after(end);
        for (const transport of transports) {
            for (const ack of acknowledging.includes(transport) ? [false, true] : [false]) {
                const scenarios = [...SCENARIOS, ...more].filter(({ only }) => ack || only !== "ack");
                const title = `${name} over ${transport}${ack ? ", with acknowledgement" : ""}`;
                const start = async () => new Stage(await Server.start({ ...SETTINGS, ...settings }), driver, tells, { transport, ack });
                playOne(title, scenarios, can, start);
            }
        }
    });
}

function playOne(title, scenarios, can, start) {
    describe(title, { concurrency: 1 }, () => {
        let stage;
        before(async () => (stage = await start()));
        afterEach(async () => await stage.clear());
        after(async () => await stage.server.dispose());
        for (const { title, needs, play } of scenarios) {
            const skip = needs && !can.includes(needs) ? `this client has no ${needs}` : false;
            test(title, { skip, timeout: 90_000 }, async () => await play(stage));
        }
    });
}

const ALL = 'subscribe = "agents", publish = "agents", create = "agents"';

/** Clients come back within a moment, so that nobody waits long for them. What is below `/kept` is on disk. */
const SETTINGS = {
    PARTYLINE__BAYEUX__TIMEOUT: "2s",
    PARTYLINE__CHANNEL: `[{ pattern = "/kept/*", durable = true, ${ALL} }, { pattern = "/demo/**", ${ALL} }]`,
};
