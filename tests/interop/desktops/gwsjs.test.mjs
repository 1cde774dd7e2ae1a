// The small AMD client: a place for its session, channels that are not there, one handler that looks at the channel of each
// message, and a goodbye that comes after the login is over.

import assert from "node:assert/strict";
import { basic } from "../client.mjs";
import { Browser, promised } from "./browser.mjs";
import { plays } from "./script.mjs";

const AGENT = "15001";
const TOPICS = ["devices", "interactions", "channels", "workitems", "workbins"].map((topic) => `/v2/me/${topic}`);

plays("gwsjs", "the small client starts at a place, changes its state, and ends the wrong way round", async (script, server) => {
    const page = new Browser(server);
    await script.step(page, "logs in", 0, async () => await page.get("/api/v2/me", { Authorization: basic(AGENT) }));
    const seen = new Map();
    const cometd = await script.step(page, "listens to topics of which most are silent", 0, async () => {
        const listening = page.cometd();
        await promised((done) => listening.handshake(done));
        const given = ({ channel }) => seen.set(channel, (seen.get(channel) ?? 0) + 1);
        for (const topic of TOPICS) await promised((done) => listening.subscribe(topic, given, done));
        return listening;
    });
    await script.step(page, "starts a session at a place, for more than voice", 2, async () => {
        await page.post("/api/v2/me", {
            operationName: "StartContactCenterSession",
            channels: ["voice", "chat", "email", "workitem"],
            place: "Place_1",
        });
    });
    const { settings } = await script.step(page, "reads the states that there are", 0, async () => {
        return (await page.get("/api/v2/settings/agent-states")).body;
    });
    for (const { operationName } of settings.filter(({ state }) => state === "NotReady")) {
        await script.step(page, `is in ${operationName}`, 2, async () => {
            await page.post("/api/v2/me/channels/voice", { operationName });
        });
    }
    await script.step(page, "is ready on all channels", 2, async () => {
        await page.post("/api/v2/me", { operationName: "Ready" });
    });
    await script.step(page, "reads its workbins, of which there are none", 0, async () => {
        await page.get("/api/v2/workbins?fields=*");
    });
    await script.step(page, "ends its session, and only then says goodbye", 2, async () => {
        await page.post("/api/v2/me", { operationName: "EndContactCenterSession" });
        await page.until(() => page.told.length === 2, "the state that it is in then");
        // Its login is over. Whether the server said goodbye first, or its connect was refused, it is at rest soon.
        cometd.disconnect();
        await page.until(() => cometd.getStatus() === "disconnected");
        page.asked = page.asked.filter(({ request }) => !request.endsWith("/disconnect"));
        assert.equal((await page.get("/api/v2/me")).status, 403);
    });
    assert.deepEqual([...seen.keys()].sort(), ["/v2/me/channels", "/v2/me/devices"]);
    assert.equal(seen.get("/v2/me/channels"), seen.get("/v2/me/devices"));
});
