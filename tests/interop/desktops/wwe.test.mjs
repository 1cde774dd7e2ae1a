// WWE 8.5.202.96: a page with cometd.js 3.1 that logs in by password once, lives by its cookie, and starts with the most
// requests of all.

import assert from "node:assert/strict";
import { basic } from "../client.mjs";
import { Browser, promised } from "./browser.mjs";
import { plays } from "./script.mjs";

const AGENT = "15001";
const ME = "/api/v2/me?subresources=features,devices,channels";

plays("wwe", "WWE starts, takes a call, is loaded again in the middle of it, and ends", async (script, server) => {
    const page = new Browser(server);
    const caller = script.telephone("15000");
    await caller.logsIn();

    await script.step(page, "without a login it is refused, and no browser asks for a password", 0, async () => {
        const { headers } = await page.get(ME);
        assert.equal(headers.get("www-authenticate"), null);
    });
    const { user } = await script.step(page, "logs in", 0, async () => {
        return (await page.get(ME, { Authorization: basic(AGENT) })).body;
    });
    const device = user.devices[0].id;
    await script.step(page, "reads what there is", 0, async () => {
        await page.get("/internal-api/me/settings?fields=*");
        await page.get("/api/v2/services?fields=*");
        await page.get("/api/v2/me/groups?type=BusinessUnit&fields=*");
        await page.get("/internal-api/contact-center?subresources=businessAttributes");
        await page.get("/api/v2/groups?type=dispositions&fields=*");
        await page.get(`/api/v2/me/devices/${device}/settings/tserver`);
    });
    await script.step(page, "starts a session of voice and chat", 0, async () => {
        const start = { operationName: "StartContactCenterSession", channels: ["voice", "chat"] };
        await page.post("/api/v2/me", start);
    });
    await script.step(page, "reads who it is", 0, async () => await page.get(`/api/v2/contacts/${user.id}?type=User`));
    const first = await script.step(page, "listens", 0, async () => await listens(page));
    await script.step(page, "reads the state and recovers calls, of which there is none", 0, async () => {
        await page.get("/api/v2/diagnostics/version");
        await page.get("/api/v2/workbins?fields=*");
        const { body } = await page.get("/api/v2/me/?subresources=devices,calls,channels,interactions,chats");
        assert.equal(body.user.devices[0].userState.state, "Ready");
        assert.deepEqual(body.user.calls, []);
        const event = { operationName: "SendUserEvent", deviceId: device, userData: { GSW_AGENT_REQ_TYPE: "login" } };
        await page.post("/internal-api/operations", event);
        await page.get(`/api/v2/devices/${device}/settings/tserver`);
    });
    await script.step(page, "is not ready, by itself", 2, async () => await state(page, "NotReady"));
    await script.step(page, "is ready", 2, async () => await state(page, "Ready"));

    await script.step(page, "is called", 1, async () => await caller.dials(AGENT));
    const { id } = script.call;
    const call = `/api/v2/me/calls/${id}`;
    await script.step(page, "writes down who calls, by itself", 1, async () => {
        const party = { path: "/agents", firstname: "", phoneNumber: "15000" };
        await page.post(call, { operationName: "UpdateUserData", userData: { WWE_PARTY_15000: party } });
    });
    await script.step(page, "answers", 1, async () => await page.post(call, { operationName: "Answer" }));
    await script.step(page, "holds", 1, async () => await page.post(call, { operationName: "Hold" }));
    await script.step(page, "retrieves", 1, async () => await page.post(call, { operationName: "Retrieve" }));
    await script.step(page, "consults", 2, async () => {
        await page.post(call, { operationName: "InitiateConference", destination: { phoneNumber: "15002" } });
    });
    const consult = script.call;
    await script.step(page, "has its colleague", 2, async () => await script.telephone("15002").does("Answer"));
    await script.step(page, "swaps", 2, async () => {
        await page.post(call, { operationName: "SwapCalls", otherCallUri: consult.uri });
    });

    const second = await script.step(page, "is loaded again, and finds both calls", 0, async () => {
        page.leaves(first);
        const again = await listens(page);
        const { body } = await page.get("/api/v2/me/?subresources=devices,calls,channels,interactions,chats");
        assert.deepEqual(body.user.calls.map(({ state }) => state).sort(), ["Established", "Held"]);
        return again;
    });
    await script.step(page, "completes the conference", 3, async () => {
        await page.post(call, { operationName: "CompleteConference" });
    });
    await script.step(page, "hangs up", 1, async () => await page.post(call, { operationName: "Hangup" }));
    await script.step(page, "says goodbye, and is logged out", 0, async () => {
        await new Promise((resolve) => second.disconnect(resolve));
        await page.post("/api/v2/me", { operationName: "EndContactCenterSession" });
        const { status, body } = await page.get(ME);
        assert.deepEqual([status, body.statusCode], [403, 20]);
    });
});

/** Handshakes, and subscribes in a batch to each topic as the application does. */
async function listens(page) {
    const cometd = page.cometd();
    await promised((done) => cometd.handshake(done));
    const topics = ["/v2/me/calls", "/v2/me/devices", "/v2/me/channels", "/v2/me/chats", "/v2/me/interactions"];
    const confirmed = topics.map((topic) => promised((done) => cometd.subscribe(topic, () => {}, done)));
    await Promise.all(confirmed);
    return cometd;
}

async function state(page, operationName) {
    await page.post("/api/v2/me/channels/voice", { operationName });
}
