// cometd.js 8 in Chromium, in a page of another origin than the server's.

import { CHROMIUM } from "./browser.mjs";
import { play } from "./scenarios.mjs";
import { Pages, TabDriver, Tabs } from "./tabs.mjs";

const pages = await Pages.start("cometd");
const tabs = new Tabs();

const setUp = `(async () => {
    const library = await import("/library/cometd.js");
    const { CometdDriver } = await import("/clients/cometd.mjs");
    window.driver = new CometdDriver(library, (event) => window.takeText(JSON.stringify(event)));
})()`;

play("cometd.js 8 in Chromium", {
    transports: ["long-polling", "websocket", "callback-polling"],
    driver: (take) => new TabDriver(take, { tabs, page: () => pages.origin, setUp }),
    can: ["ack", "batch", "binary", "calls", "reload"],
    // Node plays the other two with it.
    acknowledging: ["callback-polling"],
    settings: {
        PARTYLINE__BAYEUX__CALLBACK_POLLING: "true",
        PARTYLINE__SERVER__ALLOWED_ORIGINS: JSON.stringify([pages.origin]),
    },
    // More of them at once are slower: each page has a process of its own.
    together: 2,
    begin: async () => await tabs.start(),
    end: async () => await Promise.all([tabs.stop(), pages.stop()]),
    skip: !CHROMIUM && "no Chromium here: tests/run installs Debian's",
});

if (!CHROMIUM) await pages.stop();
