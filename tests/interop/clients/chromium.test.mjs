// cometd.js 8 in Chromium, in a page of another origin than the server's.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Browser, CHROMIUM } from "./browser.mjs";
import { play } from "./scenarios.mjs";

const PAGE = `<!doctype html><title>interop</title><link rel="icon" href="data:,"><script type="module">
    import * as library from "/library/cometd.js";
    import { CometdDriver } from "/clients/cometd.mjs";
    window.driver = new CometdDriver(library, (event) => window.takeText(JSON.stringify(event)));
    window.ready = true;
</script>`;

/** Serves the page and its scripts. */
class Pages {
    #listener;

    static async start() {
        const pages = new Pages();
        pages.#listener = createServer((request, response) => void serve(request.url, response));
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
}

async function serve(path, response) {
    const script = path.match(/^\/(library|clients)\/(\w+\.m?js)$/);
    if (!script) return response.setHeader("Content-Type", "text/html").end(PAGE);
    const [, folder, name] = script;
    const file = new URL(folder === "library" ? `../node_modules/cometd/${name}` : name, import.meta.url);
    response.setHeader("Content-Type", "text/javascript").end(await readFile(file));
}

/** A tab of its own for each client. */
class TabDriver {
    #take;
    #tab;
    #saved;

    constructor(take) {
        this.#take = take;
    }

    async open({ url, headers, transport, ack }) {
        this.#tab = await tabs.borrow(this.#take);
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
        await this.#tab.visit(pages.origin);
        await this.#ask("comeBack", this.#saved);
    }

    async close() {
        const tab = this.#tab;
        if (!tab) return;
        await this.#ask("close");
        this.#tab = undefined;
        await tabs.giveBack(tab);
    }

    subscribe = (...args) => this.#ask("subscribe", ...args);
    unsubscribe = (...args) => this.#ask("unsubscribe", ...args);
    publish = (...args) => this.#ask("publish", ...args);
    call = (...args) => this.#ask("call", ...args);
    batch = (...args) => this.#ask("batch", ...args);
    binary = (...args) => this.#ask("binary", ...args);
    transport = (...args) => this.#ask("transport", ...args);

    async #ask(what, ...args) {
        return await this.#tab.run(`driver.${what}(...${JSON.stringify(args)})`);
    }
}

/** Tabs that were used and are clean again: one takes long to open. */
class Tabs {
    #free = [];

    async borrow(take) {
        const tab = this.#free.pop() ?? (await browser.tab());
        tab.take = take;
        await tab.visit(pages.origin);
        return tab;
    }

    async giveBack(tab) {
        await tab.forget();
        this.#free.push(tab);
    }
}

const pages = await Pages.start();
const browser = new Browser();
const tabs = new Tabs();

play("cometd.js 8 in Chromium", {
    transports: ["long-polling", "websocket", "callback-polling"],
    driver: (take) => new TabDriver(take),
    can: ["ack", "batch", "binary", "calls", "reload"],
    // Node plays the other two with it.
    acknowledging: ["callback-polling"],
    settings: {
        PARTYLINE__BAYEUX__CALLBACK_POLLING: "true",
        PARTYLINE__SERVER__ALLOWED_ORIGINS: JSON.stringify([pages.origin]),
    },
    // More of them at once are slower: each page has a process of its own.
    together: 2,
    begin: async () => await browser.start(),
    end: async () => await Promise.all([browser.stop(), pages.stop()]),
    skip: !CHROMIUM && "no Chromium here: tests/run installs Debian's",
});

if (!CHROMIUM) await pages.stop();
