// Clients in pages of Chromium: each in a tab of its own, which may be of another origin than the server.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Browser } from "./browser.mjs";

/** Serves an empty page, and scripts: the drivers of this folder, and the files of a library. */
export class Pages {
    #library;
    #listener;

    /** `library` is the folder of the library, below `node_modules`. */
    static async start(library) {
        const pages = new Pages();
        pages.#library = library;
        pages.#listener = createServer((request, response) => void pages.#serve(request.url, response));
        await new Promise((resolve) => pages.#listener.listen(0, "127.0.0.1", resolve));
        return pages;
    }

    get origin() {
        return `http://127.0.0.1:${this.#listener.address().port}`;
    }

    async stop() {
        this.#listener.closeAllConnections();
        await new Promise((resolve) => this.#listener.close(resolve));
    }

    async #serve(path, response) {
        const script = path.match(/^\/(library|clients)\/([\w-]+\.m?js)$/);
        if (!script) return response.setHeader("Content-Type", "text/html").end(PAGE);
        const [, folder, name] = script;
        const file = new URL(folder === "library" ? `../node_modules/${this.#library}/${name}` : name, import.meta.url);
        // A page of the server's own origin takes them from here as well.
        response.setHeader("Access-Control-Allow-Origin", "*");
        response.setHeader("Content-Type", "text/javascript").end(await readFile(file));
    }
}

/** Tabs that were used and are clean again: one takes long to open. */
export class Tabs {
    #browser = new Browser();
    #free = [];

    async start() {
        await this.#browser.start();
    }

    async stop() {
        await this.#browser.stop();
    }

    async borrow(take) {
        const tab = this.#free.pop() ?? (await this.#browser.tab());
        tab.take = take;
        return tab;
    }

    async giveBack(tab) {
        await tab.forget();
        this.#free.push(tab);
    }
}

/**
 * A driver in a tab. `page` gives the address of its page, by what it is to be opened with; `setUp` is a script that makes
 * `window.driver` there, which tells what happens by `window.takeText`, as JSON.
 */
export class TabDriver {
    #take;
    #tabs;
    #page;
    #setUp;
    #tab;
    #address;
    #saved;

    constructor(take, { tabs, page, setUp }) {
        this.#take = take;
        this.#tabs = tabs;
        this.#page = page;
        this.#setUp = setUp;
    }

    async open({ url, headers, transport, ack }) {
        this.#tab = await this.#tabs.borrow(this.#take);
        this.#address = this.#page({ url, transport });
        await this.#visit();
        // A page cannot give a websocket or a script headers, so the login is by cookie from here on.
        const login = `fetch(${JSON.stringify(new URL("/api/v2/me", url))}, { credentials: "include", headers: ${JSON.stringify(headers)} })`;
        const status = await this.#tab.run(`${login}.then((answer) => answer.status)`);
        if (status !== 200) throw new Error(`the login was answered ${status}`);
        await this.#ask("open", { url, transport, ack });
    }

    async leave() {
        this.#saved = await this.#ask("leave");
        await this.#tab.visit("about:blank");
    }

    async comeBack() {
        await this.#visit();
        await this.#ask("comeBack", this.#saved);
    }

    async close() {
        const tab = this.#tab;
        if (!tab) return;
        await this.#ask("close");
        this.#tab = undefined;
        await this.#tabs.giveBack(tab);
    }

    subscribe = (...args) => this.#ask("subscribe", ...args);
    unsubscribe = (...args) => this.#ask("unsubscribe", ...args);
    publish = (...args) => this.#ask("publish", ...args);
    call = (...args) => this.#ask("call", ...args);
    batch = (...args) => this.#ask("batch", ...args);
    binary = (...args) => this.#ask("binary", ...args);
    transport = (...args) => this.#ask("transport", ...args);

    async #visit() {
        await this.#tab.visit(this.#address);
        await this.#tab.run(this.#setUp);
    }

    async #ask(what, ...args) {
        return await this.#tab.run(`driver.${what}(...${JSON.stringify(args)})`);
    }
}

const PAGE = `<!doctype html><title>interop</title><link rel="icon" href="data:,">`;
