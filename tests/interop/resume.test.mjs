// The server is killed or stopped under its desktops, and started again.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { POLLING, SOCKET, closeAll } from "./client.mjs";
import { Desktop } from "./desktop.mjs";
import { Link } from "./link.mjs";
import { Server } from "./server.mjs";
import { ORDERS, Story } from "./story.mjs";

/** Both transports for desktops. */
const BOTH = { PARTYLINE__DESKTOPS__TRANSPORTS: '["long-polling", "websocket"]' };

describe("with acknowledgement, after a kill", () => {
    let server;
    const links = {};
    beforeEach(async () => {
        server = await Server.start(BOTH);
        for (const role of ["caller", "callee", "target"]) links[role] = await Link.to(server.port);
    });
    afterEach(async () => {
        await closeAll();
        for (const link of Object.values(links)) await link.close();
        await server.dispose();
    });

    for (const [order, transports] of [[ORDERS[0], POLLING], [ORDERS[3], POLLING], [ORDERS[4], SOCKET]]) {
        const how = `over ${transports[0]}: ${order.join(", ")}`;
        test(`desktops carry on by themselves and miss nothing that was owed, ${how}`, async () => {
            const bases = Object.fromEntries(Object.entries(links).map(([role, link]) => [role, link.base]));
            const story = await Story.begin(server, { ack: true, bases, transports });
            for (const desktop of story.desktops) assert.equal(desktop.transport, transports[0]);
            const ids = story.desktops.map((desktop) => desktop.id);
            for (const step of story.steps(order)) {
                await restarted(server, links, async () => {
                    const before = story.desktops.map((desktop) => desktop.wire.length);
                    await step.act();
                    await story.shows(step.shows);
                    assert.deepEqual(story.desktops.map((desktop) => desktop.wire.length), before, "it was all owed");
                });
                await story.told();
            }
            assert.deepEqual(story.desktops.map((desktop) => desktop.id), ids);
            for (const desktop of story.desktops) assert.equal(desktop.handshakes.length, 1);
            await story.compare();
        });
    }

    test("a kill right after each answer loses nothing that was accepted", async () => {
        const story = await Story.begin(server, { ack: true });
        const ids = story.desktops.map((desktop) => desktop.id);
        for (const step of story.steps(ORDERS[2])) {
            await step.act();
            await server.kill();
            await server.run();
            await story.told();
        }
        assert.deepEqual(story.desktops.map((desktop) => desktop.id), ids);
        for (const desktop of story.desktops) assert.equal(desktop.handshakes.length, 1);
        await story.compare();
    });
});

describe("without acknowledgement", () => {
    let server;
    beforeEach(async () => (server = await Server.start(BOTH)));
    afterEach(async () => {
        await closeAll();
        await server.dispose();
    });

    test("after a kill a desktop handshakes by itself, and works again once it has subscribed", async () => {
        const [caller, callee] = [await Desktop.login(server, "15000"), await Desktop.login(server, "15001")];
        for (const desktop of [caller, callee]) {
            desktop.cometd.addListener("/meta/handshake", ({ successful }) => {
                if (successful) desktop.subscribed = desktop.subscribe("/v2/me/*");
            });
            await desktop.open();
            await desktop.subscribed;
        }
        await caller.dials("15001");
        await caller.received(1);
        await callee.received(1);
        const [{ id }] = await callee.calls();
        const ids = [caller.id, callee.id];

        await server.kill();
        await server.run();
        for (const [index, desktop] of [caller, callee].entries()) {
            const again = () => desktop.handshakes.filter((reply) => reply.successful).length === 2;
            await desktop.until(again, "a second handshake");
            await desktop.subscribed;
            assert.notEqual(desktop.id, ids[index]);
            const refused = desktop.connects.find((reply) => reply.error);
            assert.equal(refused.error, "402::Unknown client");
            assert.equal(refused.advice.reconnect, "handshake");
        }

        // The call is still there, as a desktop finds out by REST.
        assert.deepEqual((await callee.calls()).map((call) => [call.id, call.state]), [[id, "Ringing"]]);
        await callee.does(`me/calls/${id}`, "Answer");
        await caller.received(2);
        await callee.received(2);
        await caller.does(`me/calls/${id}`, "Hangup");
        await caller.received(3);
        await callee.received(3);
        assert.deepEqual(states(caller), ["Dialing", "Established", "Released"]);
        assert.deepEqual(states(callee), ["Ringing", "Established", "Released"]);
    });

    for (const [order, transports] of [[ORDERS[1], POLLING], [ORDERS[5], SOCKET]]) {
        const how = `over ${transports[0]}: ${order.join(", ")}`;
        test(`a planned stop at every step loses and repeats nothing, ${how}`, async () => {
            const story = await Story.begin(server, { transports });
            for (const desktop of story.desktops) assert.equal(desktop.transport, transports[0]);
            const ids = story.desktops.map((desktop) => desktop.id);
            for (const step of story.steps(order)) {
                await step.act();
                assert.equal(await server.stop(), 0);
                await server.run();
                await story.told();
            }
            assert.deepEqual(story.desktops.map((desktop) => desktop.id), ids);
            for (const desktop of story.desktops) assert.equal(desktop.handshakes.length, 1);
            await story.compare();
        });
    }
});

/** Kills the server after something was done of which no desktop could hear, and starts it again. */
async function restarted(server, links, act) {
    for (const link of Object.values(links)) link.swallow();
    await act();
    await server.kill();
    for (const link of Object.values(links)) link.mend();
    await server.run();
}

function states(desktop) {
    return desktop.wire.map((message) => message.data.call.state);
}
