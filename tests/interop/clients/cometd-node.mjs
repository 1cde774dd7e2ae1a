// cometd.js in Node: a stand-in for a browser of its own for each client.

import assert from "node:assert/strict";
import WebSocket from "ws";
import { CometdDriver } from "./cometd.mjs";
import { play } from "./scenarios.mjs";

/** Plays all scenarios with a release of cometd.js, in a browser that `adapt` stands in for. */
export function playCometd(name, library, adapt) {
    // The client looks for a browser when it is made, and takes its storage for granted.
    adapt();
    window.sessionStorage = storage();
    let clients = 0;
    play(name, {
        transports: ["long-polling", "websocket"],
        driver: (take) => {
            const saveAs = `client ${++clients}`;
            return new CometdDriver(library, take, { saveAs, dress: (cometd, options) => dress(cometd, options, adapt) });
        },
        can: ["ack", "batch", "binary", "calls", "reload"],
        more: [NEGOTIATES, FALLS_BACK],
    });
}

const NEGOTIATES = {
    title: "a client that speaks both chooses websocket",
    async play(stage) {
        const peer = await stage.openedWith({ transport: "any" }, "15000", "/demo/any");
        assert.equal(await peer.transport(), "websocket");
        await peer.publish("/demo/any", {});
        await peer.received(1);
    },
};

const FALLS_BACK = {
    title: "a client that may open no websocket falls back to long-polling",
    async play(stage) {
        const url = `${stage.server.base}/api/v2/notifications`;
        const peer = await stage.openedWith({ transport: "any", url }, "15000", "/demo/any");
        assert.equal(await peer.transport(), "long-polling");
        await peer.publish("/demo/any", {});
        await peer.received(1);
    },
};

/** Of all clients: each has names of its own in it. */
function storage() {
    const items = new Map();
    return {
        getItem: (name) => items.get(name) ?? null,
        setItem: (name, value) => items.set(name, value),
        removeItem: (name) => items.delete(name),
    };
}

/**
 * Gives a client cookies and sockets of its own: they are found by a global when a request or a socket is made. In Node a
 * websocket has the headers of its own that a browser would not let a page set.
 */
function dress(cometd, options, adapt) {
    const jar = (options.jar ??= requests(adapt));
    const polling = cometd.findTransport("long-polling");
    if (polling) {
        const send = polling.xhrSend.bind(polling);
        polling.xhrSend = (packet) => {
            window.XMLHttpRequest = jar;
            return send(packet);
        };
    }
    const socket = cometd.findTransport("websocket");
    if (socket) {
        const send = socket.send.bind(socket);
        socket.send = (...envelope) => {
            window.WebSocket = sockets(options.headers);
            return send(...envelope);
        };
    }
}

function requests(adapt) {
    adapt();
    return window.XMLHttpRequest;
}

function sockets(headers) {
    return class extends WebSocket {
        constructor(url, protocols) {
            super(url, protocols, { headers });
        }
    };
}
