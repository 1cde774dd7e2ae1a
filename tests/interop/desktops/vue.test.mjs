// The Vue widget: a page of another origin, the password with what it reads and the cookie alone with what it does, one
// wildcard, and a session that begins, and is ready, as soon as the first connect has been answered.

import assert from "node:assert/strict";
import { basic } from "../client.mjs";
import { Browser, promised } from "./browser.mjs";
import { plays } from "./script.mjs";

const AGENT = "15001";
const ORIGIN = "https://widget.example.org";
const CONTACTS =
    "/api/v2/contacts?type=User&includeUsersInBusinessUnits=AG_DEV&roles=ROLE_AGENT&limit=100" +
    "&filterName=NamesOrPhoneNumberMatches&filterParameters=*&sortBy=name&order=Ascending";

plays(
    "vue",
    "the Vue widget starts, calls, transfers, and ends",
    async (script, server) => {
        const widget = new Widget(server);
        await script.step(widget, "may ask with a password from where it is", 0, async () => await widget.preflights());
        const { user } = await script.step(widget, "logs in", 0, async () => {
            return (await widget.get("/api/v2/me?subresources=features,devices,channels,settings")).body;
        });
        const [{ id: device, phoneNumber }] = user.devices;
        assert.equal(phoneNumber, AGENT);

        const cometd = widget.cometd();
        let subscribed;
        const connected = new Promise((resolve) => {
            const listener = cometd.addListener("/meta/connect", ({ successful }) => {
                if (!successful) return;
                cometd.removeListener(listener);
                resolve();
            });
        });
        await script.step(widget, "handshakes, and subscribes from within", 0, async () => {
            cometd.addListener("/meta/handshake", ({ successful }) => {
                if (successful) subscribed = promised((done) => cometd.subscribe("/v2/me/*", () => {}, done));
            });
            cometd.handshake();
            await connected;
            await subscribed;
        });
        // It does not wait for the one before it asks the other. Whichever comes first, both are accepted, and each is told.
        await script.step(widget, "starts its session and is ready, at once", 4, async () => {
            await Promise.all([
                widget.post("/api/v2/me", { operationName: "StartContactCenterSession", channels: ["voice"] }),
                widget.post("/api/v2/me/channels/voice", { operationName: "Ready" }),
            ]);
        });
        await script.step(widget, "looks for colleagues", 0, async () => await widget.get(CONTACTS));

        await script.step(widget, "dials", 1, async () => {
            const dial = { operationName: "Dial", destination: { phoneNumber: "15000" } };
            await widget.post(`/api/v2/me/devices/${device}/calls`, dial);
        });
        await script.step(widget, "is answered", 1, async () => await script.telephone("15000").does("Answer"));
        await script.step(widget, "holds", 1, async () => await widget.does(script.call, "Hold"));
        await script.step(widget, "retrieves", 1, async () => await widget.does(script.call, "Retrieve"));
        await script.step(widget, "adds a colleague", 0, async () => await widget.does(script.call, "SingleStepConference", "15002"));
        await script.step(widget, "is three", 1, async () => await script.telephone("15002").does("Answer"));
        await script.step(widget, "is left with one", 1, async () => await script.telephone("15002").does("Hangup"));
        await script.step(widget, "transfers", 1, async () => await widget.does(script.call, "SingleStepTransfer", "15002"));
        assert.deepEqual([script.call.state, script.call.capabilities], ["Released", []]);
        await script.step(widget, "works after the call", 2, async () => {
            await widget.post("/api/v2/me/channels/voice", { operationName: "AfterCallWork" });
        });
        await script.step(widget, "says goodbye, and ends its session", 0, async () => {
            await new Promise((resolve) => cometd.disconnect(resolve));
            await widget.post("/api/v2/me", { operationName: "EndContactCenterSession" });
            const cookieOnly = await widget.ask("GET", "/api/v2/me", { headers: { Authorization: undefined } });
            assert.equal(cookieOnly.status, 403);
        });
        assert.deepEqual(widget.allowed, new Set([`${ORIGIN} true`]));
    },
    { PARTYLINE__SERVER__ALLOWED_ORIGINS: `["${ORIGIN}"]` },
);

class Widget extends Browser {
    /** Whom the answers let read them, and whether with credentials. */
    allowed = new Set();

    constructor(server) {
        super(server, { Origin: ORIGIN });
    }

    async ask(method, path, more) {
        const answer = await super.ask(method, path, more);
        const [origin, credentials] = ["origin", "credentials"].map((name) => {
            return answer.headers.get(`access-control-allow-${name}`);
        });
        this.allowed.add(`${origin} ${credentials}`);
        return answer;
    }

    async get(path) {
        return await super.get(path, { Authorization: basic(AGENT) });
    }

    async does({ id }, operationName, phoneNumber) {
        const destination = phoneNumber && { phoneNumber };
        await this.post(`/api/v2/me/calls/${id}`, { operationName, destination });
    }

    /** What a browser asks before it lets a page of another origin send such headers. */
    async preflights() {
        for (const [method, path, header] of [
            ["GET", "/api/v2/me", "authorization"],
            ["POST", "/api/v2/me", "content-type"],
            ["POST", "/api/v2/notifications/handshake", "content-type"],
        ]) {
            const answer = await this.ask("OPTIONS", path, {
                headers: { "Access-Control-Request-Method": method, "Access-Control-Request-Headers": header },
            });
            assert.match(answer.headers.get("access-control-allow-methods"), new RegExp(`\\b${method}\\b`));
            assert.match(answer.headers.get("access-control-allow-headers"), new RegExp(`\\b${header}\\b`, "i"));
        }
    }
}
