// A network between a client and the server that a test can break.

import { connect, createServer } from "node:net";

/** Forwards connections to a port. */
export class Link {
    #port;
    #listener;
    #pairs = new Set();
    #deaf = false;
    #broken = false;

    static async to(port) {
        const link = new Link();
        link.#port = port;
        link.#listener = createServer((near) => link.#join(near));
        await new Promise((resolve) => link.#listener.listen(0, "127.0.0.1", resolve));
        return link;
    }

    get base() {
        return `http://127.0.0.1:${this.#listener.address().port}`;
    }

    /** From now on nothing that the server says arrives, although the server can say it. */
    swallow() {
        this.#deaf = true;
    }

    /** Ends every connection, and lets none through. */
    cut() {
        this.#broken = true;
        for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    }

    /** Ends every connection, and lets new ones speak again. */
    mend() {
        this.cut();
        this.#broken = false;
        this.#deaf = false;
    }

    async close() {
        this.cut();
        await new Promise((resolve) => this.#listener.close(resolve));
    }

    #join(near) {
        if (this.#broken) return near.destroy();
        const far = connect(this.#port, "127.0.0.1");
        const pair = [near, far];
        this.#pairs.add(pair);
        near.on("data", (bytes) => far.write(bytes));
        far.on("data", (bytes) => this.#deaf || near.write(bytes));
        for (const socket of pair) {
            socket.on("error", () => {});
            socket.on("close", () => {
                // While nothing arrives, neither does the end of a connection.
                if (socket === far && this.#deaf) return;
                this.#pairs.delete(pair);
                for (const end of pair) end.destroy();
            });
        }
    }
}
