// Faye's client in Chromium: on pages of another origin than the server's, and on one of its own, for what it speaks from there
// alone.

import { CHROMIUM } from "./browser.mjs";
import { play } from "./scenarios.mjs";
import { Pages, TabDriver, Tabs } from "./tabs.mjs";

const pages = await Pages.start("faye/client");
const tabs = new Tabs();

/** Its XMLHttpRequest and its server-sent events are of one origin with their page. */
const OWN = ["long-polling", "eventsource"];

/** Any page of the server does: what it shows is of no interest. */
const page = ({ url, transport }) => (OWN.includes(transport) ? new URL("/livez", url).href : pages.origin);

const setUp = `(async () => {
    const script = document.createElement("script");
    script.src = "${pages.origin}/library/faye-browser.js";
    const loaded = new Promise((resolve, reject) => Object.assign(script, { onload: resolve, onerror: reject }));
    document.head.append(script);
    await loaded;
    const { FayeDriver } = await import("${pages.origin}/clients/faye.mjs");
    window.driver = new FayeDriver(window.Faye, (event) => window.takeText(JSON.stringify(event)));
})()`;

play("Faye in Chromium", {
    transports: ["websocket", "eventsource", "long-polling", "cross-origin-long-polling", "callback-polling"],
    driver: (take) => new TabDriver(take, { tabs, page, setUp }),
    can: ["calls"],
    settings: {
        PARTYLINE__BAYEUX__CALLBACK_POLLING: "true",
        PARTYLINE__BAYEUX__EVENTSOURCE: "true",
        PARTYLINE__SERVER__ALLOWED_ORIGINS: JSON.stringify([pages.origin]),
    },
    // More of them at once are slower: each page has a process of its own.
    together: 2,
    begin: async () => await tabs.start(),
    end: async () => await Promise.all([tabs.stop(), pages.stop()]),
    skip: !CHROMIUM && "no Chromium here: tests/run installs Debian's",
});

if (!CHROMIUM) await pages.stop();
