// The official CometD client over long-polling or websocket, as a browser window of its own would run it.

import { adapt } from "cometd-nodejs-client";
import { AckExtension, CometD, Extension, LongPollingTransport, WebSocketTransport } from "cometd";
import WebSocket from "ws";

/** The transports, as a client may have them: a later one is what it falls back to. */
export const POLLING = ["long-polling"];
export const SOCKET = ["websocket", "long-polling"];

// The client looks for a browser when it is made.
adapt();

/** The header with which an agent whose password is its name proves who it is. */
export function basic(agent) {
    return `Basic ${Buffer.from(`${agent}:${agent}`).toString("base64")}`;
}

const open = new Set();

/** Says goodbye for all that a test left open, also when it failed. */
export async function closeAll() {
    await Promise.all([...open].map((client) => client.close()));
}

/** One client: with cookies and connections of its own, and a memory of all that it received. */
export class Client {
    /** Every message that is no reply, once for each time that the server sent it. */
    wire = [];
    /** What each subscription was given, by its channel. */
    seen = new Map();
    /** Every request with the messages that it `sent`, and those that it `received` if it was answered. */
    exchanges = [];
    /** Every reply to a handshake and to a connect, also those that the client made up because nobody answered. */
    handshakes = [];
    connects = [];
    #waiting = new Set();

    /** `cookies` is given by those who share a browser, `extensions` are by name. */
    constructor(
        url,
        requestHeaders,
        { ack = false, transports = POLLING, cookies = new Map(), extensions = {} } = {},
    ) {
        this.requestHeaders = requestHeaders;
        this.cookies = cookies;
        this.cometd = new CometD();
        this.cometd.unregisterTransports();
        const { exchanges } = this;
        const known = {
            "long-polling": () => new LongPolling(cookies, exchanges),
            websocket: () => new Socket(cookies, exchanges, requestHeaders),
        };
        for (const name of transports) this.cometd.registerTransport(name, known[name]());
        if (ack) this.cometd.registerExtension("ack", new AckExtension());
        for (const [name, extension] of Object.entries(extensions)) this.cometd.registerExtension(name, extension);
        this.cometd.registerExtension("wire", new Wire((message) => this.#arrived(message)));
        this.cometd.configure({ url, requestHeaders, logLevel: "error", backoffIncrement: 100, maxBackoff: 500 });
        this.cometd.addListener("/meta/handshake", (reply) => this.handshakes.push(reply));
        this.cometd.addListener("/meta/connect", (reply) => {
            this.connects.push(reply);
            this.#look();
        });
    }

    /** The transport that it uses now. */
    get transport() {
        return this.cometd.getTransport().type;
    }

    get id() {
        return this.cometd.getClientId();
    }

    /** Handshakes, subscribes, and waits until a connect has been answered. */
    async open(...channels) {
        open.add(this);
        await new Promise((resolve, reject) => {
            this.cometd.handshake((reply) => {
                if (reply.successful) return resolve();
                // A socket that failed is followed by a handshake over the next transport.
                if (reply.failure?.connectionType !== "websocket") reject(new Error(JSON.stringify(reply)));
            });
        });
        for (const channel of channels) await this.subscribe(channel);
        await this.until(() => this.connects.length > 0, "the first connect");
    }

    /** Subscribes, and remembers what arrives. The handle is for `unsubscribe`. */
    async subscribe(channel) {
        if (!this.seen.has(channel)) this.seen.set(channel, []);
        // The client gives replies to whoever subscribed to everything.
        const given = (message) => isEvent(message) && this.seen.get(channel).push(message);
        let handle;
        await this.#asked((done) => (handle = this.cometd.subscribe(channel, given, done)));
        return handle;
    }

    async unsubscribe(handle) {
        await this.#asked((done) => this.cometd.unsubscribe(handle, done));
    }

    async publish(channel, data) {
        return await this.#asked((done) => this.cometd.publish(channel, data, done));
    }

    /** Asks `/service/...`, and returns the answer. */
    async call(target, data) {
        return await this.#asked((done) => this.cometd.remoteCall(target, data, done));
    }

    /** Says goodbye. */
    async close() {
        open.delete(this);
        if (this.cometd.isDisconnected()) return;
        await new Promise((resolve) => this.cometd.disconnect(resolve));
    }

    /** Waits until `holds`, which is looked at whenever something arrives. */
    async until(holds, what = holds.toString()) {
        if (holds()) return;
        await new Promise((resolve, reject) => {
            const waiter = { holds, resolve };
            waiter.timer = setTimeout(() => {
                this.#waiting.delete(waiter);
                const wire = this.wire.map((message) => JSON.stringify(message)).join("\n");
                reject(new Error(`waited in vain for ${what}; the wire brought\n${wire}`));
            }, PATIENCE);
            this.#waiting.add(waiter);
        });
    }

    /** Waits until the server has sent so many messages in all. */
    async received(count) {
        await this.until(() => this.wire.length >= count, `${count} messages`);
    }

    #arrived(message) {
        this.wire.push(message);
        this.#look();
    }

    #look() {
        for (const waiter of this.#waiting) {
            if (!waiter.holds()) continue;
            clearTimeout(waiter.timer);
            this.#waiting.delete(waiter);
            waiter.resolve();
        }
    }

    async #asked(ask) {
        return await new Promise((resolve, reject) => {
            ask((reply) => (reply.successful ? resolve(reply) : reject(new Error(JSON.stringify(reply)))));
        });
    }
}

/** Longer than any wait that the server asks for. */
const PATIENCE = 45_000;

/** Every message passes it once, before the client hands it to as many subscriptions as match. */
class Wire extends Extension {
    #arrived;

    constructor(arrived) {
        super();
        this.#arrived = arrived;
    }

    incoming(message) {
        if (isEvent(message)) this.#arrived(structuredClone(message));
        return message;
    }
}

/** Whether it is no reply. An answer to a remote call bears the id of its question, an event bears none. */
function isEvent(message) {
    return !message.channel.startsWith("/meta/") && message.successful === undefined && message.id === undefined;
}

/** The long-polling of the client, which notes what it sends and what comes back, over a browser of its own. */
class LongPolling extends LongPollingTransport {
    #exchanges;
    #XMLHttpRequest;

    constructor(cookies, exchanges) {
        super();
        this.#exchanges = exchanges;
        // The stand-in for a browser keeps one set of cookies for all who share it, and is made by setting a global.
        adapt({
            cookies: {
                storeCookie: (uri, header, done) => {
                    const [pair] = header.split(";");
                    cookies.set(pair.split("=")[0], pair);
                    done();
                },
                retrieveCookies: (context, uri, done) => done(null, [...cookies.values()]),
            },
        });
        this.#XMLHttpRequest = window.XMLHttpRequest;
    }

    xhrSend(packet) {
        const exchange = { url: packet.url, sent: JSON.parse(packet.body) };
        this.#exchanges.push(exchange);
        const onSuccess = (text) => {
            exchange.received = JSON.parse(text);
            packet.onSuccess(text);
        };
        window.XMLHttpRequest = this.#XMLHttpRequest;
        return super.xhrSend({ ...packet, onSuccess });
    }
}

/** The websocket of the client, with the headers that a browser would add by itself, and the same notes. */
class Socket extends WebSocketTransport {
    #make;

    constructor(cookies, exchanges, requestHeaders) {
        super();
        this.#make = class extends WebSocket {
            constructor(url, protocols) {
                const { Cookie, ...others } = requestHeaders;
                const jar = [...cookies.values(), ...(Cookie === undefined ? [] : [Cookie])].join("; ");
                super(url, protocols, { headers: jar === "" ? others : { ...others, Cookie: jar } });
                this.on("upgrade", ({ headers }) => {
                    for (const cookie of headers["set-cookie"] ?? []) {
                        const [pair] = cookie.split(";");
                        cookies.set(pair.split("=")[0], pair);
                    }
                });
                this.on("message", (data) => {
                    const messages = JSON.parse(data);
                    const answered = ({ sent }) => messages.some(({ id }) => id !== undefined && id === sent[0]?.id);
                    const exchange = exchanges.find((exchange) => !exchange.received && answered(exchange));
                    if (exchange) exchange.received = messages;
                });
            }

            send(text) {
                exchanges.push({ url: this.url, sent: JSON.parse(text) });
                super.send(text);
            }
        };
    }

    send(...all) {
        // The client looks for the class when it opens a connection.
        window.WebSocket = this.#make;
        return super.send(...all);
    }

    accept(...all) {
        window.WebSocket = this.#make;
        return super.accept(...all);
    }
}
