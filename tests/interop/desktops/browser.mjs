// What a desktop runs in: one jar of cookies for all that it asks, and the cometd.js of its time over it.

import { createRequire } from "node:module";
import { adapt } from "cometd-nodejs-client";
import WebSocket from "ws";
import { pause } from "../server.mjs";

// The client looks for a browser when it is loaded.
adapt();
/** 3.1.13, the nearest that npm has to the 3.1.12 that WWE shipped. */
const { CometD } = createRequire(import.meta.url)("cometd3");

/** A browser, or an app, of one agent. */
export class Browser {
    /** Cookies by name. */
    #jar = new Map();
    #gone = new Set();
    #headers;

    /** `headers` are sent with everything: `Origin`, for a page that came from elsewhere. */
    constructor(server, headers = {}) {
        this.server = server;
        this.#headers = headers;
    }

    /** Every request since they were last taken, in the order in which they were sent. */
    asked = [];
    /** Every message that was no reply, in the order in which they came. */
    told = [];

    cookie(name) {
        return this.#jar.get(name);
    }

    /** Asks, and returns the answer: status, headers and body. What is not `noted` leaves no trace in `asked`. */
    async ask(method, path, { body, headers = {}, noted = true } = {}) {
        const exchange = { request: `${method} ${path}`, ...(body && { sent: body }) };
        if (noted) this.asked.push(exchange);
        const cookies = [...this.#jar].map(([name, value]) => `${name}=${value}`).join("; ");
        const answer = await fetch(`${this.server.base}${path}`, {
            method,
            headers: {
                ...this.#headers,
                ...(cookies && { Cookie: cookies }),
                ...(body && { "Content-Type": "application/json" }),
                ...headers,
            },
            body: body && JSON.stringify(body),
        });
        for (const header of answer.headers.getSetCookie()) this.#keep(header);
        const text = await answer.text();
        exchange.status = answer.status;
        if (text !== "") exchange.body = JSON.parse(text);
        return { status: answer.status, headers: answer.headers, body: exchange.body };
    }

    async get(path, headers) {
        return await this.ask("GET", path, { headers });
    }

    async post(path, body, headers) {
        return await this.ask("POST", path, { body, headers });
    }

    /**
     * A cometd.js on the notifications, as `configuration` has it; what it sends by long-polling and what it is told is
     * noted. With `websocket` it tries that first.
     */
    cometd(configuration = {}, { websocket = false } = {}) {
        const cometd = new CometD();
        cometd.unregisterTransport("callback-polling");
        if (!websocket) cometd.unregisterTransport("websocket");
        // The stand-in for a browser is made by setting a global, so it is taken away at once for this one alone.
        adapt({
            cookies: {
                storeCookie: (uri, header, done) => done(this.#keep(header)),
                retrieveCookies: (context, uri, done) =>
                    done(null, [...this.#jar].map(([name, value]) => `${name}=${value}`)),
            },
        });
        const { XMLHttpRequest } = window;
        const { requestHeaders } = configuration;
        window.WebSocket = class extends WebSocket {
            constructor(url, protocols) {
                super(url, protocols, { headers: requestHeaders });
            }
        };
        // Nor does a client whose page is gone, or whose test failed, keep the process up by what it would do later.
        window.setTimeout = (act, after) => setTimeout(act, after).unref();
        const polling = cometd.findTransport("long-polling");
        const send = polling.xhrSend.bind(polling);
        polling.newXMLHttpRequest = () => new XMLHttpRequest();
        polling.xhrSend = (packet) => {
            if (this.#gone.has(cometd)) return { abort() {} };
            const sent = JSON.parse(packet.body);
            // Connects come and go as time passes; what matters of them is what they bring.
            const noted = sent.some(({ channel }) => channel !== "/meta/connect");
            const exchange = { request: `POST ${packet.url.replace(this.server.base, "")}`, sent };
            if (noted) this.asked.push(exchange);
            const headers = { ...this.#headers, ...packet.headers };
            const onSuccess = (text) => {
                const received = JSON.parse(text);
                this.told.push(...received.filter(isEvent));
                exchange.status = 200;
                exchange.body = received.filter((message) => !isEvent(message));
                packet.onSuccess(text);
            };
            return send({ ...packet, headers, onSuccess });
        };
        cometd.configure({ url: `${this.server.base}/api/v2/notifications`, logLevel: "warn", ...configuration });
        return cometd;
    }

    /** The page of a client is gone, in the middle of whatever it did: it says nothing more, and no goodbye. */
    leaves(cometd) {
        this.#gone.add(cometd);
        cometd.getTransport().abort();
    }

    /** Waits until `holds`. */
    async until(holds, what = holds.toString()) {
        const deadline = Date.now() + PATIENCE;
        while (!holds()) {
            if (Date.now() > deadline) {
                throw new Error(`waited in vain for ${what}; told\n${this.told.map((one) => JSON.stringify(one)).join("\n")}`);
            }
            await pause();
        }
    }

    #keep(header) {
        const [pair, ...attributes] = header.split(";").map((part) => part.trim());
        const [name, value] = pair.split("=");
        if (attributes.some((attribute) => /^max-age=0$/i.test(attribute))) this.#jar.delete(name);
        else this.#jar.set(name, value);
    }
}

/** One that tells the token against forged requests with everything, as soon as an answer told it. */
export class EchoingBrowser extends Browser {
    #token = {};

    async ask(method, path, { headers, ...others } = {}) {
        const answer = await super.ask(method, path, { ...others, headers: { ...this.#token, ...headers } });
        const [name, token] = ["x-csrf-header", "x-csrf-token"].map((header) => answer.headers.get(header));
        if (name && token) this.#token = { [name]: token };
        return answer;
    }
}

/** Longer than anything takes that a desktop waits for. */
const PATIENCE = 20_000;

/** Whether it is no reply. */
export function isEvent(message) {
    return !message.channel.startsWith("/meta/") && message.successful === undefined;
}

/** What cometd.js answers to what `ask` asks of it, given a callback; it must be yes. */
export async function promised(ask) {
    return await new Promise((resolve, reject) => {
        ask((reply) => (reply.successful ? resolve(reply) : reject(new Error(JSON.stringify(reply)))));
    });
}
