// Chromium, driven by its DevTools protocol.

import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import WebSocket from "ws";

/** The command, or `undefined` where there is none. */
export const CHROMIUM = ["chromium", "chromium-browser", "google-chrome"].find(
    (command) => spawnSync(command, ["--version"]).status === 0,
);

/** A browser without a window. */
export class Browser {
    #child;
    #ended;
    #profile;
    #socket;
    #calls = new Map();
    #tabs = new Map();
    #count = 0;

    async start() {
        this.#profile = await mkdtemp(join(tmpdir(), "partyline-chromium-"));
        // A test may run as root, for whom there is no sandbox. It visits nobody but the test.
        const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
        const more = ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0"];
        const child = spawn(CHROMIUM, [...flags, ...more, `--user-data-dir=${this.#profile}`, "about:blank"], {
            stdio: ["ignore", "ignore", "pipe"],
        });
        this.#child = child;
        this.#ended = new Promise((resolve) => child.once("close", resolve));
        this.#socket = new WebSocket(await address(child.stderr), { perMessageDeflate: false });
        this.#socket.on("message", (text) => this.#told(JSON.parse(text)));
        await new Promise((resolve, reject) => this.#socket.once("open", resolve).once("error", reject));
    }

    async stop() {
        this.#socket?.close();
        this.#child.kill();
        await this.#ended;
        await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
    }

    /** A tab with cookies of its own. What its pages say by `window.takeText`, as JSON, is given to its `take`. */
    async tab() {
        const { browserContextId } = await this.send("Target.createBrowserContext");
        const { targetId } = await this.send("Target.createTarget", { url: "about:blank", browserContextId });
        const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
        const tab = new Tab(this, browserContextId, sessionId);
        this.#tabs.set(sessionId, tab);
        await this.send("Page.enable", {}, sessionId);
        await this.send("Runtime.enable", {}, sessionId);
        await this.send("Runtime.addBinding", { name: "takeText" }, sessionId);
        return tab;
    }

    async send(method, params = {}, sessionId = undefined) {
        return await new Promise((resolve, reject) => {
            const id = ++this.#count;
            this.#calls.set(id, { resolve, reject });
            this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
        });
    }

    #told({ id, result, error, method, params, sessionId }) {
        if (method === "Runtime.bindingCalled") return this.#tabs.get(sessionId).take(JSON.parse(params.payload));
        const call = this.#calls.get(id);
        if (!call) return;
        this.#calls.delete(id);
        if (error) call.reject(new Error(error.message));
        else call.resolve(result);
    }
}

class Tab {
    take = () => {};
    #browser;
    #context;
    #session;

    constructor(browser, context, session) {
        this.#browser = browser;
        this.#context = context;
        this.#session = session;
    }

    /** Goes to a page, and waits until it is there. */
    async visit(url) {
        // Now and then a tab does not begin to go there, and asks the server for nothing, for ever: it is told to again.
        while (!(await this.#goes(url))) await this.#browser.send("Page.stopLoading", {}, this.#session);
        if (url !== "about:blank") await this.run(READY);
    }

    /** Whether it went within a few seconds. */
    async #goes(url) {
        let timer;
        const late = new Promise((resolve) => (timer = setTimeout(resolve, BEGINS, false)));
        const gone = this.#browser.send("Page.navigate", { url }, this.#session).then(() => true);
        return await Promise.race([gone, late]).finally(() => clearTimeout(timer));
    }

    /** What a script says in the end. */
    async run(expression) {
        const asked = { expression, awaitPromise: true, returnByValue: true };
        const { result, exceptionDetails } = await this.#browser.send("Runtime.evaluate", asked, this.#session);
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        return result.value;
    }

    /** Leaves its page, and has neither cookies nor what pages of this origin kept. */
    async forget() {
        this.take = () => {};
        await this.run("sessionStorage.clear()");
        await this.visit("about:blank");
        await this.#browser.send("Storage.clearCookies", { browserContextId: this.#context });
    }
}

/** In milliseconds: much longer than a tab takes. */
const BEGINS = 10_000;

const READY = `new Promise((resolve) => {
    (function look() {
        if (document.readyState === "complete") resolve();
        else setTimeout(look, 10);
    })();
})`;

/** Where the browser can be spoken to, as it says when it starts. */
async function address(stderr) {
    let log = "";
    for await (const line of createInterface(stderr)) {
        log += `${line}\n`;
        const [, url] = line.match(/DevTools listening on (ws:\S+)/) ?? [];
        if (!url) continue;
        stderr.resume();
        return url;
    }
    throw new Error(`the browser ended at once:\n${log}`);
}
