// Three desktops dial, answer, conference and hang up, and each is told exactly what it must be.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { SOCKET, closeAll } from "./client.mjs";
import { COOKIE, PASSWORD } from "./desktop.mjs";
import { Server } from "./server.mjs";
import { ORDERS, Story } from "./story.mjs";

/** What real desktops subscribe to, besides. */
const OTHER_SUBSCRIPTIONS = {
    everything: ["/**"],
    "each topic": ["/v2/me/devices", "/v2/me/channels", "/v2/me/calls", "/v2/me/chats", "/v2/me/emails"],
};

for (const ack of [true, false]) {
    describe(ack ? "with acknowledgement" : "without acknowledgement", () => {
        let server;
        beforeEach(async () => (server = await Server.start()));
        afterEach(async () => {
            await closeAll();
            await server.dispose();
        });

        for (const [index, order] of ORDERS.entries()) {
            const by = index % 2 === 0 ? PASSWORD : COOKIE;
            test(`a conference is told whole, logged in by ${by}, when they hang up: ${order.join(", ")}`, async () => {
                const story = await Story.begin(server, { ack, by });
                for (const step of story.steps(order)) {
                    await step.act();
                    await story.told();
                }
                await story.compare();
            });
        }

        test("a conference with a busy number is told to who asked for it, and the call goes on", async () => {
            const story = await Story.begin(server, { ack });
            const [dial, answer, ...others] = story.steps(ORDERS[0]);
            for (const step of [dial, answer, { act: () => story.inviteBusy() }, ...others]) {
                await step.act();
                await story.told();
            }
            await story.compare();
        });

        test("a desktop that would rather have a websocket falls back where there is none", async () => {
            const story = await Story.begin(server, { ack, transports: SOCKET });
            for (const desktop of story.desktops) assert.equal(desktop.transport, "long-polling");
            for (const step of story.steps(ORDERS[0])) {
                await step.act();
                await story.told();
            }
            await story.compare();
        });

        for (const [name, channels] of Object.entries(OTHER_SUBSCRIPTIONS)) {
            test(`desktops that subscribe to ${name} are told the same`, async () => {
                const story = await Story.begin(server, { ack, channels });
                for (const step of story.steps(ORDERS[0])) {
                    await step.act();
                    await story.told();
                }
                await story.compare();
            });
        }
    });
}
