// The iOS app of 2013: a Bayeux client of its own, of the letter of the protocol, with the cookie of its login; it echoes a
// CSRF token from whatever answer bore one, and lives through losing its connection and its client id.

import assert from "node:assert/strict";
import { basic } from "../client.mjs";
import { EchoingBrowser, isEvent } from "./browser.mjs";
import { plays } from "./script.mjs";

const AGENT = "15001";
const TOPICS = ["devices", "channels", "calls", "chats", "emails"].map((topic) => `/v2/me/${topic}`);

plays(
    "ios",
    "the iOS app starts, loses the server in a call, comes back, and ends",
    async (script, server) => {
        const app = new App(server);
        const caller = script.telephone("15000");
        await caller.logsIn();

        const { user } = await script.step(app, "logs in for a cookie", 0, async () => {
            return (await app.get("/api/v2/me?subresources=*", { Authorization: basic(AGENT) })).body;
        });
        // It reads a section of the settings by its name, and puts the devices and channels on the screen.
        assert.equal(typeof user.settings, "object");
        assert.equal(Array.isArray(user.devices) && Array.isArray(user.channels), true);
        await script.step(app, "handshakes, and every subscription is confirmed", 0, async () => await app.listens());
        await script.step(app, "starts its session, with where to push to", 2, async () => {
            const mobileSession = { mobileDeviceId: "0000", mobilePushType: "IOS" };
            await app.post("/api/v2/me", {
                operationName: "StartContactCenterSession",
                channels: ["voice"],
                mobileSession,
            });
        });
        await script.step(app, "reads states, attributes and contacts", 0, async () => {
            const { body } = await app.get("/api/v2/settings/agent-states");
            assert.equal(body.settings.every(({ operationName }) => typeof operationName === "string"), true);
            await app.get("/internal-api/business-attributes");
            await app.get("/api/v2/contacts");
        });

        await script.step(app, "is called, and a call that it does not know begins by ringing", 1, async () => {
            await caller.dials(AGENT);
        });
        assert.equal(script.call.state, "Ringing");
        await script.step(app, "releases a call that rings, which nothing offered", 1, async () => {
            assert.equal(script.call.capabilities.includes("Hangup"), false);
            await app.does(script.call, "Hangup");
        });
        await script.step(app, "is called again", 1, async () => await caller.dials(AGENT));
        await script.step(app, "answers", 1, async () => await app.does(script.call, "Answer"));
        await script.step(app, "consults", 2, async () => {
            await app.does(script.call, "InitiateTransfer", { destination: { phoneNumber: "15002" } });
        });
        const consult = script.call;
        await script.step(app, "has its colleague", 2, async () => await script.telephone("15002").does("Answer"));
        const main = script.call;
        // It finds the parent of the consult call on the screen by comparing these two.
        assert.equal(consult.parentCallUri, main.uri);

        await script.step(app, "loses the server, and its client id with it", 0, async () => {
            await server.kill();
            await app.lost();
            await server.run();
            const reply = await app.connect();
            assert.equal(reply.advice.reconnect, "handshake");
            assert.equal(reply.error, "402::Unknown client");
        });
        await script.step(app, "handshakes again, and finds its calls and its state as they were", 0, async () => {
            await app.listens();
            const { body } = await app.get("/api/v2/me/calls/?fields=*");
            assert.deepEqual(body.calls.map(({ id }) => id).sort(), [main.id, consult.id].sort());
            await app.get("/api/v2/me/devices?fields=*");
        });
        await script.step(app, "completes the transfer on the consult call", 2, async () => {
            await app.does(consult, "CompleteTransfer");
        });
        await script.step(app, "disposes of the call that is over", 0, async () => {
            await app.post(`/api/v2/me/devices/${user.devices[0].id}`, {
                operationName: "SetCallDisposition",
                callUri: main.uri,
                callUuid: main.callUuid,
                disposition: "Sold",
            });
        });
        await script.step(app, "gives up its topics, says goodbye, and ends its session", 0, async () => {
            await app.closes();
            await app.post("/api/v2/me", { operationName: "EndContactCenterSession" });
            assert.equal((await app.get("/api/v2/me")).status, 403);
        });
    },
    { PARTYLINE__AUTH__CSRF: "true" },
);

/** The app: its cookie and its token with everything, and one connect under way as long as it listens. */
class App extends EchoingBrowser {
    #client;
    #polling = Promise.resolve();
    #listens = false;

    async does({ id }, operationName, more) {
        await this.post(`/api/v2/me/calls/${id}`, { operationName, ...more });
    }

    async listens() {
        const handshake = { channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: ["long-polling"] };
        const [{ clientId }] = await this.#bayeux(handshake);
        this.#client = clientId;
        const confirmed = await this.#bayeux(...TOPICS.map((subscription) => this.#of("/meta/subscribe", { subscription })));
        assert.deepEqual(confirmed.map(({ subscription, successful }) => [subscription, successful]), TOPICS.map((topic) => [topic, true]));
        this.#listens = true;
        this.#polling = this.#poll();
        // Whether it fails is looked at when it must, by `lost` and `closes`.
        this.#polling.catch(() => {});
    }

    /** One connect, whose answer is not on the page: it is whenever the time is over. */
    async connect() {
        const connect = this.#of("/meta/connect", { connectionType: "long-polling" });
        const [reply] = await this.#send([connect], false);
        return reply;
    }

    /** The connect that was under way has failed. */
    async lost() {
        this.#listens = false;
        await assert.rejects(this.#polling);
    }

    async closes() {
        this.#listens = false;
        await this.#bayeux(...TOPICS.map((subscription) => this.#of("/meta/unsubscribe", { subscription })));
        await this.#bayeux(this.#of("/meta/disconnect"));
        await this.#polling;
    }

    async #poll() {
        while (this.#listens) await this.connect();
    }

    #of(channel, more) {
        return { channel, clientId: this.#client, ...more };
    }

    async #bayeux(...messages) {
        return await this.#send(messages, true);
    }

    async #send(messages, noted) {
        const { body } = await this.ask("POST", "/api/v2/notifications", { body: messages, noted });
        this.told.push(...body.filter(isEvent));
        return body.filter((message) => !isEvent(message));
    }
}
