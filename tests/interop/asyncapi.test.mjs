// Whatever the server says in a long course of calls is as the AsyncAPI document has it, and whatever the document has
// is said: every message, every member, every listed value.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { BinaryExtension } from "cometd";
import { Document } from "./asyncapi.mjs";
import { Client, basic, closeAll } from "./client.mjs";
import { Desktop } from "./desktop.mjs";
import { Link } from "./link.mjs";
import { Server } from "./server.mjs";

const TOKEN = "a-token-for-tests-0123456789";
/** What a simulated switch makes of numbers that are no agent's. */
const [ANSWERS, BUSY, INVALID] = ["7185550123", "8000", "+4930123456"];

/** The agents, with cheap hashes of their names as passwords, and what each may do besides. */
const AGENTS = [
    ["15000", "IAS78NjE7vOg8uZmNKQDPg$P8S3yuZpd6VFmEV1AIURwYw39Zk8oaOuyyPbbKjYHZk", ["api-voice", "api-voice-recording"]],
    ["15001", "WPe/XrxRVo+VINfn2tmhLA$BNSbJbsiGq+4HPUi+7nSCjdiw6S4YRa7FAlIUapUqYU", ["api-voice"]],
    ["15002", "PdwIlOlYXWhsBJANirqHHg$frR80/e8DWkt4tZGIvBdLX1fjv1h23iOriroxoL1TKw", ["api-voice", "api-supervisor-monitoring"]],
].map(([name, hash, features]) => {
    const account = `user="${name}",number="${name}",password_hash="$argon2id$v=19$m=8,t=1,p=1$${hash}"`;
    return `{${account},features=${JSON.stringify(features)}}`;
});

describe("the AsyncAPI document", { concurrency: 1 }, () => {
    let document;
    let server;
    before(async () => (document = await Document.read()));
    after(end);

    async function begin(settings) {
        await end();
        server = await Server.start(settings);
    }

    async function end() {
        await closeAll();
        await server?.dispose();
    }

    /** A desktop that subscribes to each channel of its own by its name. */
    async function opened(agent) {
        const desktop = await Desktop.login(server, agent, { ack: agent === "15001" });
        const feeds = [...document.addresses.keys()].filter((address) => /^\/(v2|notifications)\//.test(address));
        await desktop.open(...feeds);
        desktop.read = 0;
        return desktop;
    }

    /** Waits until a desktop is told something like that, after what it was told before. */
    async function told(desktop, what, holds) {
        const from = desktop.read;
        const found = () => desktop.wire.findIndex((message, index) => index >= from && holds(message.data));
        await desktop.until(() => found() >= 0, what);
        desktop.read = found() + 1;
        return desktop.wire[desktop.read - 1].data;
    }

    /** Waits for a call in a state, perhaps of a kind and with something else about it, and returns its path. */
    async function call(desktop, state, { kind = "StatusChange", holds = () => true } = {}) {
        const is = (data) => data.notificationType === kind && data.call.state === state && holds(data.call);
        return `me${(await told(desktop, `${kind} ${state} ${holds}`, is)).call.path}`;
    }

    const toldOf = (desktop, member, holds) =>
        told(desktop, `${member} ${holds}`, (data) => data[member] !== undefined && holds(data[member][0]));
    const failed = (desktop) => told(desktop, "an ErrorMessage", (data) => data.messageType === "ErrorMessage");
    const to = (phoneNumber) => ({ destination: { phoneNumber } });

    /** Holds all that went to and fro against the document. Those that stand for many channels are told by the test. */
    function check(client, other = () => undefined) {
        for (const { sent, received } of client.exchanges) {
            for (const [action, messages] of [["receive", sent], ["send", received ?? []]]) {
                for (const message of messages) {
                    const channel = document.addresses.get(message.channel) ?? other(message.channel);
                    if (channel) document.check(channel, action, message);
                    else assert.match(message.channel, /^\/meta\/(handshake|connect|disconnect|unsubscribe)$/);
                }
            }
        }
    }

    test("is valid, and points to nothing that it has not", () => {
        assert.equal(document.content.asyncapi, "3.0.0");
        assert.deepEqual(document.flaws(), []);
        const pointers = document.pointers();
        assert.ok(pointers.length > 100, `${pointers.length}`);
        assert.deepEqual(pointers.filter((pointer) => document.at(pointer) === undefined), []);
    });

    test("describes all that desktops are told in a course of calls", async () => {
        await begin({
            PARTYLINE__DIRECTORY__DEMO_AGENTS: "off",
            PARTYLINE__DIRECTORY__AGENT: `[${AGENTS.join(",")}]`,
            PARTYLINE__AGENTS__STATE: '[{operation="OutToLunch",work_mode="AuxWork",reason="Lunch"}]',
            PARTYLINE__BAYEUX__TIMESTAMP: "true",
            PARTYLINE__GWS__REGION: "US",
        });
        const [anna, ben, cleo] = [await opened("15000"), await opened("15001"), await opened("15002")];
        await states(anna);
        await talks(anna, ben, cleo);
        await consults(anna, ben, cleo);
        await transfers(anna, ben, cleo);
        await dials(anna);
        await supervises(anna, ben, cleo);
        for (const desktop of [anna, ben, cleo]) {
            assert.ok(desktop.wire.length > 20, `${desktop.agent}: ${desktop.wire.length}`);
            await desktop.close();
            check(desktop);
        }
    });

    /** All that an agent may say of itself and its device. */
    async function states(desktop) {
        const state = async (path, operation, shows, parameters) => {
            await desktop.does(path, operation, parameters);
            await toldOf(desktop, "devices", ({ userState }) => shows(userState));
            await toldOf(desktop, "channels", ({ userState }) => shows(userState));
        };
        const voice = "me/channels/voice";
        await state("me", "StartContactCenterSession", ({ state }) => state === "Ready", { channels: ["voice"] });
        await state(voice, "NotReady", ({ reason }) => reason === "Coffee", { reason: "Coffee" });
        await state(voice, "OutToLunch", ({ reason }) => reason === "Lunch");
        await state(voice, "AuxWork", ({ workMode, reason }) => workMode === "AuxWork" && reason === undefined);
        await state(voice, "AfterCallWork", ({ workMode }) => workMode === "AfterCallWork");
        await state(voice, "Offline", ({ state }) => state === "LoggedOut");
        await state("me", "StartContactCenterSession", ({ state }) => state === "Ready", { channels: ["voice"] });
        const device = `me/devices/${desktop.device}`;
        await desktop.does(device, "DoNotDisturbOn");
        await toldOf(desktop, "devices", ({ doNotDisturb }) => doNotDisturb === "On");
        await desktop.does(device, "DoNotDisturbOff");
        await desktop.does(device, "ForwardCallsOn", { destination: ANSWERS });
        await toldOf(desktop, "devices", ({ forwardTo }) => forwardTo === ANSWERS);
        await desktop.does(device, "ForwardCallsOff");
        await toldOf(desktop, "devices", ({ forwardTo }) => forwardTo === undefined);
    }

    /** Hold, data, recording, a conference with its mute, an error of the switch. */
    async function talks(anna, ben, cleo) {
        await anna.dials("15001");
        const path = await call(ben, "Ringing");
        await ben.does(path, "Answer");
        await call(anna, "Established");
        await anna.does(path, "Hold");
        await call(anna, "Held");
        await anna.does(path, "Retrieve");
        await call(anna, "Established");
        for (const [operation, parameters] of [
            ["AttachUserData", { userData: { Account: "0042", Party: { hops: [1, 2] } } }],
            ["UpdateUserData", { userData: { Account: 7 } }],
            ["DeleteUserDataPair", { key: "Party" }],
            ["DeleteUserData", {}],
        ]) {
            await anna.does(path, operation, parameters);
            for (const desktop of [anna, ben]) await call(desktop, "Established", { kind: "AttachedDataChanged" });
        }
        for (const [operation, state] of [
            ["StartCallRecording", "Recording"],
            ["PauseCallRecording", "Paused"],
            ["ResumeCallRecording", "Recording"],
            ["StopCallRecording", "Stopped"],
        ]) {
            await anna.does(path, operation);
            const holds = ({ recordingState }) => recordingState === state;
            await call(anna, "Established", { kind: "CallRecordingStateChange", holds });
        }
        await anna.does(path, "SingleStepConference", { ...to("15002"), userData: { Route: "web" } });
        await call(cleo, "Ringing");
        await cleo.does(path, "Answer");
        await call(anna, "Established", { kind: "ParticipantsUpdated" });
        for (const [operation, state] of [["MuteCall", "On"], ["UnmuteCall", "Off"]]) {
            await anna.does(path, operation);
            await call(anna, "Established", { holds: ({ mute }) => mute === state });
        }
        await anna.does(path, "SingleStepConference", to(BUSY));
        await failed(anna);
        await anna.does(path, "SendDtmf", { digits: "12#" });
        await anna.does(path, "RemoveParticipantFromConference", { participant: "15002" });
        await call(cleo, "Released");
        await call(anna, "Established", { kind: "ParticipantsUpdated" });
        await anna.does(path, "Hangup");
        for (const desktop of [anna, ben]) await call(desktop, "Released");
    }

    /** A consult call becomes a conference. */
    async function consults(anna, ben, cleo) {
        await anna.dials("15001");
        const main = await call(ben, "Ringing");
        await ben.does(main, "Answer");
        await call(anna, "Established");
        await anna.does(main, "InitiateConference", to("15002"));
        await call(anna, "Held");
        const side = await call(anna, "Dialing", { holds: ({ parentCallPath }) => `me${parentCallPath}` === main });
        await call(cleo, "Ringing");
        await cleo.does(side, "Answer");
        await call(anna, "Established", { holds: ({ callType }) => callType === "Consult" });
        for (const path of [side, main]) {
            const { uri } = (await anna.calls()).find((each) => `me${each.path}` !== path);
            await anna.does(path, "SwapCalls", { otherCallUri: uri });
            await call(anna, "Established");
        }
        await anna.does(main, "CompleteConference");
        await call(anna, "Established", { kind: "ParticipantsUpdated" });
        await call(cleo, "Established", { holds: ({ path }) => `me${path}` === main });
        await ben.does(main, "ClearCall");
        for (const desktop of [anna, ben, cleo]) await call(desktop, "Released", { holds: ({ path }) => `me${path}` === main });
    }

    /** With a consult call, and in a single step. */
    async function transfers(anna, ben, cleo) {
        await anna.dials("15001");
        const main = await call(ben, "Ringing");
        await ben.does(main, "Answer");
        await call(anna, "Established");
        await anna.does(main, "InitiateTransfer", to("15002"));
        const side = await call(cleo, "Ringing");
        await cleo.does(side, "Answer");
        await call(anna, "Established", { holds: ({ callType }) => callType === "Consult" });
        await anna.does(side, "CompleteTransfer");
        await call(anna, "Released", { holds: ({ callType }) => callType === "Consult" });
        await call(cleo, "Established", { holds: ({ path }) => `me${path}` === main });
        await ben.does(main, "SingleStepTransfer", to("15000"));
        await call(anna, "Ringing");
        await anna.does(main, "Answer");
        await call(anna, "Established");
        await cleo.does(main, "Hangup");
        for (const desktop of [anna, cleo]) await call(desktop, "Released");
    }

    /** Numbers outside. */
    async function dials(anna) {
        await anna.dials(ANSWERS);
        const path = await call(anna, "Established", { holds: ({ callType }) => callType === "Outbound" });
        await anna.does(path, "Hangup");
        await call(anna, "Released");
        await anna.dials(INVALID);
        await failed(anna);
    }

    /** A supervisor listens, takes part, whispers; and is cancelled. */
    async function supervises(anna, ben, cleo) {
        await cleo.does("me", "StartContactCenterSession", { channels: ["voice"] });
        const device = `me/devices/${cleo.device}`;
        await cleo.does(device, "ListenIn", { phoneNumber: "15001" });
        await toldOf(cleo, "devices", ({ supervisorMonitoringState }) => supervisorMonitoringState?.state === "ListenIn");
        await anna.dials("15001");
        const path = await call(ben, "Ringing");
        await ben.does(path, "Answer");
        await call(cleo, "Ringing");
        await cleo.does(path, "Answer");
        await call(cleo, "Established", { holds: ({ monitoring, mute }) => monitoring && mute === "On" });
        await call(ben, "Established", { holds: ({ supervisorListeningIn }) => supervisorListeningIn });
        await cleo.does(path, "SwitchToBargeIn");
        await call(anna, "Established", { kind: "ParticipantsUpdated" });
        await ben.does(path, "MuteCall");
        await call(cleo, "Established", { holds: ({ monitoredUserMuted }) => monitoredUserMuted });
        await cleo.does(path, "SwitchToCoach");
        await cleo.does(path, "SwitchToListenIn");
        await call(cleo, "Established", { holds: ({ mute }) => mute === "On" });
        await cleo.does(device, "CancelSupervisorMonitoring");
        await toldOf(cleo, "devices", ({ supervisorMonitoringState }) => supervisorMonitoringState === undefined);
        await call(cleo, "Released");
        await anna.does(path, "Hangup");
        await call(ben, "Released");
        for (const [operation, parameters] of [["Coach", { mode: "NextCall" }], ["BargeIn", { scope: "Agent" }]]) {
            await cleo.does(device, operation, { phoneNumber: "15001", ...parameters });
            await toldOf(cleo, "devices", ({ supervisorMonitoringState }) => supervisorMonitoringState?.state === operation);
        }
    }

    test("describes previews, participants as they were, and a device that is not known", async () => {
        await begin({
            PARTYLINE__GWS__OLD_PARTICIPANTS: "true",
            PARTYLINE__GWS__CLEAR_CALL: "true",
            PARTYLINE__SIMULATED__PREVIEWS: "200ms",
            PARTYLINE__SIMULATED__UNREGISTERED: '["15001"]',
        });
        const [anna, ben] = [await opened("15000"), await opened("15001")];
        const refused = await ben.asks("me", "StartContactCenterSession", { channels: ["voice"] });
        assert.deepEqual([refused.status, refused.body.statusCode], [500, 4]);
        await failed(ben);
        await anna.does("me", "StartContactCenterSession", { channels: ["voice"] });
        const declined = await call(anna, "Preview");
        await anna.does(declined, "Decline");
        await call(anna, "PreviewCancelled");
        anna.read = 0;
        const path = await call(anna, "Preview", { holds: (other) => `me${other.path}` !== declined });
        await anna.does(path, "Accept");
        await call(anna, "Dialing");
        await call(anna, "Established", { holds: ({ capabilities }) => capabilities.includes("ClearCall") });
        await anna.does("me", "Offline");
        await anna.does(path, "Hangup");
        await call(anna, "Released");
        for (const desktop of [anna, ben]) {
            await desktop.close();
            check(desktop);
        }
    });

    test("describes calls of a queue", async () => {
        await begin({ PARTYLINE__SIMULATED__QUEUES: '["6000"]', PARTYLINE__SIMULATED__ARRIVALS: "20ms" });
        const anna = await opened("15000");
        await anna.does("me", "StartContactCenterSession", { channels: ["voice"] });
        await anna.does(await call(anna, "Ringing"), "Reject");
        await call(anna, "Released", { holds: ({ callType, ani, dnis }) => callType === "Inbound" && ani && dnis === "6000" });
        await anna.does(await call(anna, "Ringing"), "Answer");
        await call(anna, "Established");
        await anna.close();
        check(anna);
    });

    test("describes what goes to and fro on the other channels", async (t) => {
        const backEnd = createServer(async (request, response) => {
            let body = "";
            for await (const piece of request) body += piece;
            const { data } = JSON.parse(body);
            response.end(JSON.stringify(data === "refuse" ? { error: "no" } : { data }));
        });
        await new Promise((resolve) => backEnd.listen(0, "127.0.0.1", resolve));
        t.after(() => (backEnd.closeAllConnections(), backEnd.close()));
        const rule = (pattern, more) => `{pattern="${pattern}",subscribe="agents",publish="agents",create="agents"${more}}`;
        await begin({
            PARTYLINE__CHANNEL: `[${[
                rule("/service/crm/**", `,upstream="http://127.0.0.1:${backEnd.address().port}"`),
                rule("/kept/**", ",durable=true"),
                rule("/demo/**", ""),
            ]}]`,
            PARTYLINE__ADMIN__TOKEN: TOKEN,
            PARTYLINE__BAYEUX__TIMESTAMP: "true",
            PARTYLINE__BAYEUX__SLOW_CONSUMER: "drop-oldest",
            PARTYLINE__BAYEUX__QUEUE_MESSAGES: "20",
        });
        const stands = (channel) => {
            if (channel.startsWith("/kept/")) return "durable";
            if (channel.startsWith("/demo/")) return "ordinary";
            return channel.startsWith("/service/") ? "service" : undefined;
        };
        const made = (agent, options) => new Client(`${server.base}/cometd`, { Authorization: basic(agent) }, options);
        const link = await Link.to(server.port);
        t.after(() => link.close());
        const far = new Client(`${link.base}/cometd`, { Authorization: basic("15001") });
        await far.open("/demo/far");
        const near = made("15000", { extensions: { binary: new BinaryExtension() } });
        await near.open("/demo/a", "/kept/a");
        await assert.rejects(near.subscribe("/nobodys"), /subscribe_denied/);
        await assert.rejects(near.publish("/service/unknown", 1), /service_unknown/);
        await assert.rejects(near.publish("/demo/far/away!/*", 1), /channel_invalid/);
        for (const channel of ["/demo/a", "/kept/a"]) {
            await near.publish(channel, { n: 1 });
            await new Promise((done) => near.cometd.publishBinary(channel, Uint8Array.of(1, 2).buffer, true, {}, done));
        }
        await near.received(4);
        await near.call("echo", "back");
        await near.call("crm/find", { name: "Smith" });
        await assert.rejects(near.call("crm/find", "refuse"), /upstream_refused/);
        // The same, from the start and from where somebody else was.
        for (const from of [-2, "-1", near.wire.find(({ ext }) => ext?.replay).ext.replay]) {
            const ask = (message) => {
                if (message.channel === "/meta/subscribe") message.ext = { replay: { "/kept/a": from } };
                return message;
            };
            const late = made("15002", { extensions: { replay: { outgoing: ask } } });
            await late.open("/kept/a", "/demo/a");
            if (from !== "-1") await late.received(from === -2 ? 2 : 1);
            await late.close();
            check(late, stands);
        }
        await several(near, ["/demo/b", "/kept/*"]);
        // One that was cut off is owed more than it may be.
        link.cut();
        for (let n = 0; n < 60; n++) await near.publish("/demo/far", n);
        link.mend();
        await far.until(() => far.wire.some(({ channel }) => channel === "/service/partyline/gap"), "the gap");
        for (const client of [far, near]) {
            await client.close();
            check(client, stands);
        }
    });

    /** Subscribes to several channels by one message, which the client never does, and tells its clock. */
    async function several(client, subscription) {
        // A clock that is far off.
        const ext = { timesync: { tc: 1, l: 0, o: 0 } };
        const message = { channel: "/meta/subscribe", clientId: client.id, subscription, ext };
        const headers = { ...client.requestHeaders, Cookie: [...client.cookies.values()].join("; ") };
        const answer = await fetch(`${server.base}/cometd`, { method: "POST", headers, body: JSON.stringify([message]) });
        const reply = (await answer.json()).find(({ channel }) => channel === message.channel);
        document.check("subscriptions", "receive", message);
        document.check("subscriptions", "send", reply);
        assert.ok(reply.successful);
    }

    test("names nothing that was not seen", () => {
        assert.deepEqual(document.unseen(), []);
        assert.ok(document.seen.size > 250, `${document.seen.size}`);
    });
});
