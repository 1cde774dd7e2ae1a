// The .NET client: the password with every request, a websocket first, everything that there is to subscribe to, and types
// that an answer of another shape breaks.

import assert from "node:assert/strict";
import { basic } from "../client.mjs";
import { Browser, promised } from "./browser.mjs";
import { plays } from "./script.mjs";

const AGENT = "15001";

plays("net", "the .NET client starts, is added to a call, shows its data, and ends", async (script, server) => {
    const client = new Client(server);
    const owner = script.telephone("15000");
    const other = script.telephone("15002");
    await owner.logsIn();

    const cometd = await script.step(client, "is refused a websocket, and listens by long-polling", 0, async () => {
        const requestHeaders = { Authorization: basic(AGENT) };
        const listening = client.cometd({ requestHeaders }, { websocket: true });
        const transports = [];
        await new Promise((resolve) => {
            listening.handshake((reply) => {
                transports.push(reply.failure?.connectionType ?? listening.getTransport().getType());
                if (reply.successful) resolve();
            });
        });
        assert.deepEqual(transports, ["websocket", "long-polling"]);
        await promised((done) => listening.subscribe("/**", () => {}, done));
        return listening;
    });
    const { user } = await script.step(client, "reads everything about itself", 0, async () => {
        return (await client.get("/api/v2/me?subresources=*")).body;
    });
    // It looks a section of the settings up without asking whether there are settings, and puts lists into lists.
    assert.equal(Object.getPrototypeOf(user.settings), Object.prototype);
    for (const list of ["devices", "features", "channels", "calls"]) assert.equal(Array.isArray(user[list]), true, list);
    await script.step(client, "starts its session", 2, async () => {
        await client.post("/api/v2/me", { operationName: "StartContactCenterSession", channels: ["voice"] });
    });
    await script.step(client, "is not ready on all its channels", 2, async () => {
        await client.post("/api/v2/me", { operationName: "NotReady" });
    });
    await script.step(client, "is ready again", 2, async () => await client.post("/api/v2/me", { operationName: "Ready" }));

    await script.step(client, "hears nothing of what others talk about", 0, async () => {
        await owner.dials("15002");
        await other.does("Answer");
    });
    await script.step(client, "is asked into a conference", 1, async () => {
        await owner.does("SingleStepConference", {
            destination: { phoneNumber: AGENT },
            userData: { AccountNumber: "0042" },
        });
    });
    await script.step(client, "answers", 1, async () => await client.does(script.call, "Answer"));
    await script.step(client, "shows data that another attached", 1, async () => {
        await other.does("AttachUserData", { userData: { Note: "called before" } });
    });
    await script.step(client, "is muted", 1, async () => await client.does(script.call, "MuteCall"));
    await script.step(client, "is heard again", 1, async () => await client.does(script.call, "UnmuteCall"));
    await script.step(client, "is left with one", 2, async () => await owner.does("Hangup"));
    await script.step(client, "is left with nobody", 1, async () => await other.does("Hangup"));
    await script.step(client, "says goodbye, and ends its session", 0, async () => {
        await new Promise((resolve) => cometd.disconnect(resolve));
        await client.post("/api/v2/me", { operationName: "EndContactCenterSession" });
    });

    // A call without this list is an exception in the client, and so is an answer of another type than JSON.
    const calls = script.page.flatMap(({ told }) => told).flatMap(({ data }) => (data.call ? [data.call] : []));
    assert.equal(calls.every(({ capabilities }) => Array.isArray(capabilities)), true);
    assert.deepEqual([...client.types], ["application/json"]);
});

class Client extends Browser {
    /** The media types of all answers. */
    types = new Set();

    async ask(method, path, more) {
        const answer = await super.ask(method, path, { ...more, headers: { Authorization: basic(AGENT) } });
        this.types.add(answer.headers.get("content-type"));
        return answer;
    }

    async does({ id }, operationName) {
        await this.post(`/api/v2/me/calls/${id}`, { operationName });
    }
}
