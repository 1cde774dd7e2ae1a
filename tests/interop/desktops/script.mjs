// A script: the steps of a desktop, and the page that says what it asked, what it was answered and what it was told.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { basic } from "../client.mjs";
import { Server } from "../server.mjs";
import { EchoingBrowser } from "./browser.mjs";

/** Longer than any script takes, so that one that waits for ever says where. */
const TIMEOUT = 120_000;

/**
 * Plays a desktop against a server of its own. All that happened is compared with the page of that name beside this file;
 * with `UPDATE_GOLDEN=1` it is written.
 */
export function plays(name, title, play, settings = {}) {
    test(title, { timeout: TIMEOUT }, async (t) => {
        const server = await Server.start(settings);
        // The test's own, for the clients of one that failed would poll its server as long as there is one.
        t.after(async () => await server.dispose());
        const script = new Script(server);
        await play(script, server);
        const page = new URL(`${name}.json`, import.meta.url);
        const text = `${JSON.stringify(script.page, null, 2)}\n`;
        if (process.env.UPDATE_GOLDEN) return await writeFile(page, text);
        assert.deepEqual(script.page, JSON.parse(await readFile(page, "utf8")));
    });
}

class Script {
    page = [];
    /** The call that a desktop was told of last, as it was then. */
    call;
    #names = new Names();

    constructor(server) {
        this.server = server;
    }

    /** Somebody on the telephone, whose own desktop is not looked at. */
    telephone(agent) {
        return new Telephone(this.server, agent);
    }

    /**
     * What `browser` does in `act`, and so many messages that it is told then: one entry of the page. Returns what `act`
     * does. Nothing is lost between two steps: what comes too much is in the next one, and the page is not the same.
     */
    async step(browser, title, told, act) {
        const result = await act();
        await browser.until(() => browser.told.length >= told, `${told} messages at "${title}"`);
        const entry = { step: title, asked: browser.asked.splice(0), told: browser.told.splice(0) };
        this.call = entry.told.findLast(({ data }) => data.call)?.data.call ?? this.call;
        this.page.push(this.#names.normal(entry, this.server.base));
        return result;
    }
}

/** An agent at a telephone: its password with every request, and no notifications. */
class Telephone extends EchoingBrowser {
    #agent;

    constructor(server, agent) {
        super(server);
        this.#agent = agent;
    }

    async ask(method, path, { body } = {}) {
        return await super.ask(method, path, { body, headers: { Authorization: basic(this.#agent) } });
    }

    async logsIn() {
        await this.get("/api/v2/me");
        await this.#does("/api/v2/me", { operationName: "StartContactCenterSession", channels: ["voice"] });
    }

    async dials(phoneNumber) {
        const { body } = await this.get("/api/v2/me/devices");
        const device = body.uris[0].split("/").at(-1);
        const dial = { operationName: "Dial", destination: { phoneNumber } };
        await this.#does(`/api/v2/me/devices/${device}/calls`, dial);
    }

    /** Does something to its call, as soon as it has one. */
    async does(operationName, more = {}) {
        let calls = [];
        while (calls.length === 0) ({ calls } = (await this.get("/api/v2/me/calls?fields=*")).body);
        await this.#does(`/api/v2/me/calls/${calls[0].id}`, { operationName, ...more });
    }

    async #does(path, body) {
        const answer = await this.post(path, body);
        assert.deepEqual([answer.status, answer.body], [200, { statusCode: 0 }], body.operationName);
    }
}

/** Names for what differs from run to run, given in the order in which it is met. */
class Names {
    #known = new Map();
    #counts = new Map();

    normal(value, base) {
        const text = JSON.stringify(value)
            .replaceAll(base, "<base>")
            .replaceAll(/\b[0-9A-V]{32}\b/g, (id) => this.#name("call", id))
            .replaceAll(/"connId":"([0-9a-f]{16})"/g, (_, id) => `"connId":"${this.#name("connection", id)}"`)
            .replaceAll(/"clientId":"([^"]+)"/g, (_, id) => `"clientId":"${this.#name("client", id)}"`)
            .replaceAll(/"duration":"\d+"/g, '"duration":"<seconds>"');
        return JSON.parse(text, (key, member) => (Array.isArray(member) ? member.map(withoutId) : member));
    }

    #name(kind, id) {
        if (!this.#known.has(id)) {
            const count = (this.#counts.get(kind) ?? 0) + 1;
            this.#counts.set(kind, count);
            this.#known.set(id, `<${kind} ${count}>`);
        }
        return this.#known.get(id);
    }
}

/** A Bayeux message without its id, which counts the connects that went before. */
function withoutId(message) {
    if (typeof message?.channel !== "string" || !message.channel.startsWith("/")) return message;
    const { id, ...others } = message;
    return others;
}
