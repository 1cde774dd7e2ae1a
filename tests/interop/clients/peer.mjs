// A client of any make, as the scenarios see it.

/** Where the demo agents of the server find Bayeux. */
export const MOUNT = "/cometd";

/** The header with which an agent whose password is its name proves who it is. */
export function basic(agent) {
    return `Basic ${Buffer.from(`${agent}:${agent}`).toString("base64")}`;
}

/**
 * What one client was told, and how to ask it for more. A make of client gives its driver: an object with some of the
 * functions `open`, `subscribe`, `unsubscribe`, `publish`, `call`, `batch`, `binary`, `leave`, `comeBack`, `transport` and `close`,
 * which tells the peer what happens by `take`.
 */
export class Peer {
    /** Every event that came, once for each time that the client was given it by its transport: `{channel, data}`. */
    wire = [];
    /** What each subscription was given, by its channel. Stays empty if the client does not tell. */
    seen = new Map();
    /** The clientId of every handshake that succeeded, once what was subscribed to is subscribed to again. */
    handshakes = [];
    /** Connects that the server answered well. */
    connects = 0;
    #driver;
    #waiting = new Set();

    /** `make` is given `take`, and makes the driver. */
    constructor(make) {
        this.#driver = make((event) => this.#take(event));
    }

    get id() {
        return this.handshakes.at(-1);
    }

    /** Handshakes, subscribes, and waits until a connect has been answered. */
    async open(options, ...channels) {
        await this.#driver.open(options);
        for (const channel of channels) await this.subscribe(channel);
        await this.until(() => this.connects > 0, "the first connect");
    }

    async subscribe(channel) {
        await this.#driver.subscribe(channel);
    }

    async unsubscribe(channel) {
        await this.#driver.unsubscribe(channel);
    }

    /** Resolves when the server has said that it took it. */
    async publish(channel, data) {
        await this.#driver.publish(channel, data);
    }

    /** Asks `/service/...`, and returns the data of the answer. */
    async call(target, data) {
        return await this.#driver.call(target, data);
    }

    /** Publishes pairs of a channel and data as one, so far as the client knows how. */
    async batch(publications) {
        await this.#driver.batch(publications);
    }

    /** Publishes bytes, by the binary extension. Who subscribed is given them as `data.bytes`. */
    async binary(channel, bytes) {
        await this.#driver.binary(channel, bytes);
    }

    /** Goes without a goodbye, as a page does that is reloaded. */
    async leave() {
        await this.#driver.leave();
    }

    /** Is there again after `leave`, with all that it was subscribed to. */
    async comeBack() {
        await this.#driver.comeBack();
    }

    /** The name of the transport that it speaks now. */
    async transport() {
        return await this.#driver.transport();
    }

    /** Says goodbye. */
    async close() {
        await this.#driver.close();
    }

    /** Waits until `holds`, which is looked at whenever something happens. */
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

    /** Waits until so many events have come in all. */
    async received(count) {
        await this.until(() => this.wire.length >= count, `${count} messages`);
    }

    /** The data of the events that came. */
    get heard() {
        return this.wire.map(({ data }) => data);
    }

    #take(event) {
        if (event.wire) this.wire.push(event.wire);
        if (event.seen) this.seen.set(event.seen, [...(this.seen.get(event.seen) ?? []), event.message]);
        if (event.handshake) this.handshakes.push(event.handshake);
        if (event.connect) this.connects++;
        for (const waiter of this.#waiting) {
            if (!waiter.holds()) continue;
            clearTimeout(waiter.timer);
            this.#waiting.delete(waiter);
            waiter.resolve();
        }
    }
}

/** Longer than any wait that the server or a client asks for. */
const PATIENCE = 30_000;
