// An agent's desktop: commands over REST, notifications by the official CometD client.

import assert from "node:assert/strict";
import { Client, basic } from "./client.mjs";

/** How a desktop proves who it is to the notifications. */
export const PASSWORD = "password";
export const COOKIE = "cookie";

/** The desktop of one agent, whose number and password are its name. */
export class Desktop extends Client {
    /** Logs in. `base` is where the notifications come from, if that is not the server itself. */
    static async login(server, agent, { ack = false, by = PASSWORD, base = server.base, transports } = {}) {
        const credentials = { Authorization: basic(agent) };
        const answer = await fetch(`${server.base}/api/v2/me?subresources=*`, { headers: credentials });
        const { statusCode, user } = await answer.json();
        assert.deepEqual([answer.status, statusCode, user.userName], [200, 0, agent]);
        const [cookie] = answer.headers.getSetCookie()[0].split(";");
        assert.match(cookie, /^JSESSIONID=./);
        const headers = by === COOKIE ? { Cookie: cookie } : credentials;
        return new Desktop(server, agent, user.devices[0].id, headers, base, { ack, transports });
    }

    constructor(server, agent, device, headers, base, options) {
        super(`${base}/api/v2/notifications`, headers, options);
        this.server = server;
        this.agent = agent;
        this.device = device;
        this.headers = headers;
    }

    /** The agent's calls as REST shows them. */
    async calls() {
        return (await this.#request("GET", "me/calls?fields=*")).body.calls;
    }

    /** Calls a number. */
    async dials(phoneNumber) {
        await this.does(`me/devices/${this.device}/calls`, "Dial", { destination: { phoneNumber } });
    }

    /** Sends an operation that is accepted. */
    async does(path, operationName, parameters = {}) {
        const answer = await this.asks(path, operationName, parameters);
        assert.deepEqual(answer, { status: 200, body: { statusCode: 0 } }, operationName);
    }

    /** Sends an operation, and returns its answer. */
    async asks(path, operationName, parameters = {}) {
        return await this.#request("POST", path, { operationName, ...parameters });
    }

    async #request(method, path, body) {
        const answer = await fetch(`${this.server.base}/api/v2/${path}`, {
            method,
            headers: { ...this.headers, "Content-Type": "application/json" },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        assert.equal(answer.headers.get("content-type"), "application/json");
        return { status: answer.status, body: await answer.json() };
    }
}
