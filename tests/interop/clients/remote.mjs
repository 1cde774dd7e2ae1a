// Drivers in another language: a process that takes commands as lines of JSON, and tells what happens in the same way.
//
// In comes `{"call":1,"peer":2,"do":"publish","with":["/demo/a",{}]}`, out goes `{"call":1,"value":null}` or
// `{"call":1,"error":"…"}`, and at any time `{"peer":2,"event":{…}}` with what a driver tells its peer.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** One process for all peers of a test file. */
export class Remote {
    #command;
    #args;
    #child;
    #ended;
    #calls = new Map();
    #takes = [];
    #log = "";

    constructor(command, ...args) {
        this.#command = command;
        this.#args = args;
    }

    start() {
        this.#child = spawn(this.#command, this.#args, { stdio: ["pipe", "pipe", "pipe"] });
        this.#child.on("error", (error) => (this.#log += error.message));
        this.#child.stderr.on("data", (text) => (this.#log += text));
        this.#ended = new Promise((resolve) => this.#child.once("close", resolve));
        void this.#ended.then(() => {
            for (const { reject } of this.#calls.values()) reject(new Error(`the client's process ended:\n${this.#log}`));
        });
        createInterface(this.#child.stdout).on("line", (line) => this.#told(JSON.parse(line)));
    }

    /** Ends the process, which does so when there is nothing more to read. */
    async stop() {
        this.#child.stdin.end();
        const timer = setTimeout(() => this.#child.kill(), 2_000);
        await this.#ended;
        clearTimeout(timer);
    }

    driver(take) {
        const peer = this.#takes.push(take) - 1;
        const functions = ["open", "subscribe", "unsubscribe", "publish", "call", "batch", "binary", "transport", "close"];
        return Object.fromEntries(functions.map((name) => [name, (...args) => this.#ask(peer, name, args)]));
    }

    async #ask(peer, name, args) {
        return await new Promise((resolve, reject) => {
            const call = this.#calls.size;
            this.#calls.set(call, { resolve, reject });
            this.#child.stdin.write(`${JSON.stringify({ call, peer, do: name, with: args })}\n`);
        });
    }

    #told({ call, value, error, peer, event }) {
        if (event) return this.#takes[peer](event);
        const { resolve, reject } = this.#calls.get(call);
        if (error === undefined) resolve(value);
        else reject(new Error(error));
    }
}
