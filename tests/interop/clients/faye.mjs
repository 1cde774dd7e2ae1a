// Faye's client as a driver of a peer, in Node or in a page.

/** One client of Faye. It has no remote calls: what answers a service comes on the service's channel. */
export class FayeDriver {
    #library;
    #take;
    #extensions;
    #client;
    #subscriptions = new Map();
    /** Who waits for the answer to an unsubscribe, by its channel. */
    #left = new Map();
    /** After a second handshake the client subscribes again by itself: the clientId, and what is not answered yet. */
    #again;

    constructor(library, take, extensions = []) {
        this.#library = library;
        this.#take = take;
        this.#extensions = extensions;
    }

    async open({ url, headers = {}, transport, batching = true }) {
        const client = (this.#client = new this.#library.Client(url, { retry: 0.2 }));
        for (const [name, value] of Object.entries(headers)) client.setHeader(name, value);
        // It has no way to choose, but one to do without: it takes the first of these that it can.
        for (const better of TRANSPORTS.slice(0, TRANSPORTS.indexOf(transport))) client.disable(better);
        for (const extension of this.#extensions) client.addExtension(extension);
        client.addExtension({ incoming: (message, pass) => pass(this.#seen(message)) });
        if (!batching) {
            client._dispatcher.selectTransport(transport);
            client._dispatcher._transport.batching = false;
        }
        await client.connect();
        // It goes over to it by and by.
        while ((await this.transport()) !== transport) await new Promise((resolve) => setTimeout(resolve, 10));
    }

    async subscribe(channel) {
        const subscription = this.#client.subscribe(channel).withChannel((name, data) => {
            if (isBroadcast(name)) this.#take({ seen: channel, message: { channel: name, data } });
        });
        this.#subscriptions.set(channel, subscription);
        await plainly(subscription);
    }

    /** It stops to listen at once, and does not wait for the answer, which what it sends next may overtake. */
    async unsubscribe(channel) {
        const answered = new Promise((resolve) => this.#left.set(channel, resolve));
        this.#subscriptions.get(channel).cancel();
        this.#subscriptions.delete(channel);
        await answered;
    }

    async publish(channel, data) {
        await plainly(this.#client.publish(channel, data));
    }

    async call(target, data) {
        let told;
        const answer = new Promise((resolve) => (told = resolve));
        const subscription = this.#client.subscribe(`/service/${target}`, told);
        await subscription;
        await this.#client.publish(`/service/${target}`, data);
        await answer;
        subscription.cancel();
        return await answer;
    }

    async transport() {
        return this.#client._dispatcher.connectionType;
    }

    async close() {
        await this.#client?.disconnect();
    }

    #seen(message) {
        const { channel, data, successful } = message;
        if (channel === "/meta/handshake" && successful) this.#shaken(message.clientId);
        if (channel === "/meta/subscribe" && successful) this.#answered(message.subscription);
        if (channel === "/meta/unsubscribe") [message.subscription].flat().forEach((left) => this.#left.get(left)?.());
        if (channel === "/meta/connect") this.#take({ connect: successful });
        if (isBroadcast(channel) && successful === undefined) this.#take({ wire: { channel, data } });
        return message;
    }

    #shaken(id) {
        this.#again = { id, channels: new Set(this.#subscriptions.keys()) };
        this.#answered();
    }

    #answered(channel) {
        if (!this.#again) return;
        this.#again.channels.delete(channel);
        if (this.#again.channels.size > 0) return;
        this.#take({ handshake: this.#again.id });
        this.#again = undefined;
    }
}

/** Its errors are none of JavaScript's, and a page tells nothing of such. */
async function plainly(promise) {
    try {
        await promise;
    } catch ({ code, message }) {
        throw new Error(`${code} ${message}`);
    }
}

/** In the order in which it prefers them. */
const TRANSPORTS = ["websocket", "eventsource", "long-polling", "cross-origin-long-polling", "callback-polling"];

function isBroadcast(channel) {
    return !channel.startsWith("/meta/") && !channel.startsWith("/service/");
}
