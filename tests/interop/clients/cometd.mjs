// cometd.js as a driver of a peer: in Node and, as this very file, in a page of a browser.

/**
 * One client. `library` is cometd.js. What is to be found after a reload is saved under the name `saveAs`, and `dress` is
 * given each client before it is used, with the options that it was opened with.
 */
export class CometdDriver {
    #library;
    #take;
    #dress;
    #saveAs;
    #options;
    #cometd;
    #subscriptions = new Map();
    /** Who waits for the first handshake. */
    #shakes;

    constructor(library, take, { saveAs = "reload", dress = () => {} } = {}) {
        this.#library = library;
        this.#take = take;
        this.#saveAs = saveAs;
        this.#dress = dress;
    }

    async open(options) {
        this.#options = options;
        this.#cometd = this.#made();
        await new Promise((resolve, reject) => {
            this.#shakes = { resolve, reject };
            this.#cometd.handshake();
        });
    }

    async subscribe(channel) {
        const given = (message) => {
            if (isEvent(message)) this.#take({ seen: channel, message: bare(message) });
        };
        await asked((done) => this.#subscriptions.set(channel, this.#cometd.subscribe(channel, given, done)));
    }

    async unsubscribe(channel) {
        await asked((done) => this.#cometd.unsubscribe(this.#subscriptions.get(channel), done));
        this.#subscriptions.delete(channel);
    }

    async publish(channel, data) {
        await asked((done) => this.#cometd.publish(channel, data, done));
    }

    async call(target, data) {
        return (await asked((done) => this.#cometd.remoteCall(target, data, done))).data;
    }

    async batch(publications) {
        const replies = [];
        this.#cometd.batch(() => {
            for (const publication of publications) replies.push(this.publish(...publication));
        });
        await Promise.all(replies);
    }

    async binary(channel, bytes) {
        const { buffer } = new Uint8Array(bytes);
        await asked((done) => this.#cometd.publishBinary(channel, buffer, true, { made: "here" }, done));
    }

    /** What was saved, for a page that comes back. */
    async leave() {
        this.#cometd.reload();
        return { options: this.#options, channels: [...this.#subscriptions.keys()] };
    }

    async comeBack({ options, channels } = { options: this.#options, channels: [...this.#subscriptions.keys()] }) {
        this.#options = options;
        this.#subscriptions = new Map();
        this.#cometd = this.#made();
        await asked((done) => this.#cometd.handshake(done));
        for (const channel of channels) await this.subscribe(channel);
    }

    async transport() {
        return this.#cometd.getTransport().getType?.() ?? this.#cometd.getTransport().type;
    }

    async close() {
        if (!this.#cometd || this.#cometd.isDisconnected()) return;
        await new Promise((resolve) => this.#cometd.disconnect(resolve));
    }

    #made() {
        const { CometD, AckExtension, BinaryExtension, ReloadExtension } = this.#library;
        const { url, headers, transport, ack } = this.#options;
        const cometd = new CometD();
        for (const type of cometd.getTransportTypes()) {
            if (transport !== "any" && type !== transport) cometd.unregisterTransport(type);
        }
        this.#dress(cometd, this.#options);
        if (ack) cometd.registerExtension("ack", new AckExtension());
        cometd.registerExtension("reload", new ReloadExtension({ name: this.#saveAs }));
        cometd.registerExtension("binary", new BinaryExtension());
        cometd.registerExtension("wire", {
            incoming: (message) => {
                if (isEvent(message)) this.#take({ wire: bare(message) });
                return message;
            },
        });
        cometd.configure({ url, requestHeaders: headers, logLevel: "error", backoffIncrement: 100, maxBackoff: 500 });
        cometd.addListener("/meta/handshake", (reply) => void this.#shaken(cometd, reply));
        cometd.addListener("/meta/connect", (reply) => this.#take({ connect: reply.successful }));
        return cometd;
    }

    /**
     * After a second handshake the application subscribes again: the client forgot what it was subscribed to. When a
     * transport fails, the client itself begins again with another one.
     */
    async #shaken(cometd, reply) {
        if (!reply.successful) {
            if (reply.error) this.#shakes?.reject(new Error(reply.error));
            return;
        }
        this.#shakes?.resolve();
        const channels = [...this.#subscriptions.keys()];
        await Promise.all(channels.map((channel) => this.subscribe(channel)));
        this.#take({ handshake: reply.clientId });
    }
}

async function asked(ask) {
    return await new Promise((resolve, reject) => {
        ask((reply) => (reply.successful ? resolve(reply) : reject(new Error(reply.error ?? "no answer"))));
    });
}

/** Whether it is no reply. An answer to a remote call bears the id of its question, an event bears none. */
function isEvent(message) {
    return !message.channel.startsWith("/meta/") && message.successful === undefined && message.id === undefined;
}

/** What is given on: bytes as a list, which can be compared and sent. */
function bare({ channel, data }) {
    if (!(data?.data instanceof ArrayBuffer)) return { channel, data: structuredClone(data) };
    return { channel, data: { bytes: [...new Uint8Array(data.data)], last: data.last, meta: data.meta } };
}
