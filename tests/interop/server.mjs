// Starts a partyline of its own for a test, and ends it.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = process.env.PARTYLINE_BIN ?? new URL("../../target/debug/partyline", import.meta.url).pathname;

/** How a test wants it, unless it says otherwise. */
const SETTINGS = { PARTYLINE__DRAIN__WINDOW: "200ms" };

/** A partyline on a port and a data directory of its own. */
export class Server {
    #child;
    #exited;
    #log = "";

    static async start(settings = {}) {
        const server = new Server();
        server.data = await mkdtemp(join(tmpdir(), "partyline-"));
        server.port = await freePort();
        server.settings = { ...SETTINGS, ...settings };
        await server.run();
        return server;
    }

    get base() {
        return `http://127.0.0.1:${this.port}`;
    }

    /** Runs it, again after an end, and waits until it is ready. */
    async run() {
        const args = ["serve", "--listen", `127.0.0.1:${this.port}`, "--data-dir", this.data];
        const env = { ...process.env, ...this.settings };
        this.#child = spawn(BINARY, args, { env, stdio: ["ignore", "ignore", "pipe"] });
        this.#child.stderr.on("data", (text) => (this.#log += text));
        this.#exited = new Promise((resolve) => this.#child.once("close", resolve));
        for (;;) {
            if (this.#child.exitCode !== null) throw new Error(`the server ended at once:\n${this.#log}`);
            const ready = await fetch(`${this.base}/readyz`).then((answer) => answer.ok, () => false);
            if (ready) return;
            await pause();
        }
    }

    /** Waits until it holds so many connects. */
    async parks(count) {
        await this.counts("partyline_parked_connects", count);
    }

    /** Waits until a metric has a value, whatever its labels. */
    async counts(metric, value) {
        const deadline = Date.now() + PATIENCE;
        for (;;) {
            const found = await this.#count(metric);
            if (found === value) return;
            if (Date.now() > deadline) throw new Error(`waited in vain for ${metric} to be ${value}; it stayed ${found}`);
            await pause();
        }
    }

    async #count(metric) {
        const page = await (await fetch(`${this.base}/metrics`)).text();
        const lines = page.split("\n").filter((line) => line.startsWith(`${metric} `) || line.startsWith(`${metric}{`));
        return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    }

    /** Ends it as a power switch would. */
    async kill() {
        this.#child.kill("SIGKILL");
        await this.#exited;
    }

    /** Ends it in good order, and says with which code. */
    async stop() {
        this.#child.kill("SIGTERM");
        return await this.#exited;
    }

    async dispose() {
        await this.kill();
        await rm(this.data, { recursive: true, force: true });
    }
}

/** Longer than anything takes that a test waits for. */
const PATIENCE = 30_000;

/** A little rest between two looks at the server. */
export async function pause() {
    await new Promise((resolve) => setTimeout(resolve, 10));
}

/** A port that was free just now. */
async function freePort() {
    const probe = createServer();
    await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address();
    await new Promise((resolve) => probe.close(resolve));
    return port;
}
