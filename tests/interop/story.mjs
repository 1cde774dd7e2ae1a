// Three agents talk: the steps of a conference, and all that each desktop must be told.

import assert from "node:assert/strict";
import { Desktop } from "./desktop.mjs";
import { pause } from "./server.mjs";

const [CALLER, CALLEE, TARGET] = ["15000", "15001", "15002"];
/** The simulated switch says so of every number that begins with an 8. */
const BUSY = "8000";
const USER_DATA = { AccountNumber: "0042", Route: { from: "web", hops: 2 } };

/** Who hangs up first, and who second; the third is left alone. */
export const ORDERS = [
    ["target", "caller", "callee"],
    ["target", "callee", "caller"],
    ["caller", "target", "callee"],
    ["caller", "callee", "target"],
    ["callee", "target", "caller"],
    ["callee", "caller", "target"],
];

/** The desktops, the call, and what each was to be told so far. */
export class Story {
    static async begin(server, options = {}) {
        const story = new Story();
        story.channels = options.channels ?? ["/v2/me/*", "/v2/me/calls"];
        for (const [role, agent] of Object.entries({ caller: CALLER, callee: CALLEE, target: TARGET })) {
            const base = options.bases?.[role] ?? server.base;
            story[role] = await Desktop.login(server, agent, { ...options, base });
            story[role].told = [];
            await story[role].open(...story.channels);
        }
        story.base = server.base;
        return story;
    }

    get desktops() {
        return [this.caller, this.callee, this.target];
    }

    /** The steps in order: what is done, and when REST shows that it happened. */
    steps([first, second, last]) {
        return [
            { act: () => this.#dial(), shows: ["callee", "Ringing"] },
            { act: () => this.#answer(), shows: ["caller", "Established"] },
            { act: () => this.#invite(), shows: ["target", "Ringing"] },
            { act: () => this.#join(), shows: ["target", "Established"] },
            { act: () => this.#leave(first), shows: [first, undefined] },
            { act: () => this.#end(second, last), shows: [last, undefined] },
        ];
    }

    /** Waits until everything that was to be told has been. */
    async told() {
        for (const desktop of this.desktops) await desktop.received(desktop.told.length);
    }

    /** Waits until the calls of an agent show it. They are asked for, for the desktops may be cut off. */
    async shows([role, state]) {
        while ((await this[role].calls())[0]?.state !== state) await pause();
    }

    /** Closes the desktops, and compares all that each was told with what it was to be told. */
    async compare() {
        // What a session owes itself comes after all else that it is owed.
        for (const desktop of this.desktops) {
            const answer = await desktop.call("echo", { last: desktop.agent });
            assert.deepEqual(answer.data, { last: desktop.agent });
        }
        for (const desktop of this.desktops) await desktop.close();
        for (const desktop of this.desktops) {
            const wire = desktop.wire.map((message) => this.#normal(message, desktop));
            assert.deepEqual(wire.map(brief), desktop.told.map(brief), desktop.agent);
            assert.deepEqual(wire, desktop.told, desktop.agent);
            // The server sends one copy, and the client gives it to each subscription that matches.
            for (const channel of this.channels) {
                const matching = desktop.wire.filter((message) => covers(channel, message.channel));
                assert.deepEqual(desktop.seen.get(channel), matching, channel);
            }
        }
    }

    async #dial() {
        await this.caller.dials(CALLEE);
        const [{ id, connId }] = await this.caller.calls();
        assert.match(id, /^[0-9A-V]{32}$/);
        assert.match(connId, /^[0-9a-f]{16}$/);
        [this.id, this.connId] = [id, connId];
        this.#tell("caller", "StatusChange", "Dialing", [CALLEE]);
        this.#tell("callee", "StatusChange", "Ringing", [CALLER]);
    }

    async #answer() {
        await this.callee.does(`me/calls/${this.id}`, "Answer");
        this.#tell("caller", "StatusChange", "Established", [CALLEE]);
        this.#tell("callee", "StatusChange", "Established", [CALLER]);
    }

    async #invite() {
        const parameters = { destination: { phoneNumber: TARGET }, location: "there", userData: USER_DATA };
        await this.caller.does(`me/calls/${this.id}`, "SingleStepConference", parameters);
        this.#tell("target", "StatusChange", "Ringing", [CALLEE, CALLER], USER_DATA);
    }

    async #join() {
        await this.target.does(`me/calls/${this.id}`, "Answer");
        const owned = { ...USER_DATA, FirstConferencePartyDN: CALLER };
        for (const kind of ["AttachedDataChanged", "ParticipantsUpdated"]) {
            this.#tell("caller", kind, "Established", [TARGET, CALLEE], owned);
            this.#tell("callee", kind, "Established", [TARGET, CALLER], owned);
        }
        this.#tell("target", "StatusChange", "Established", [CALLEE, CALLER], owned);
    }

    /** The caller invites a number that is busy: it alone is told, and the call is as it was. */
    async inviteBusy() {
        const parameters = { destination: { phoneNumber: BUSY }, userData: USER_DATA };
        await this.caller.does(`me/calls/${this.id}`, "SingleStepConference", parameters);
        this.caller.told.push({
            channel: "/v2/me/devices",
            data: {
                messageType: "ErrorMessage",
                errorMessage: "The destination is busy.",
                devicePath: "/devices/<device>",
                deviceUri: "<base>/api/v2/devices/<device>",
            },
        });
    }

    /** One of three leaves: the conference ends, and nobody owns it any more. */
    async #leave(role) {
        await this[role].does(`me/calls/${this.id}`, "Hangup");
        const others = ["target", "callee", "caller"].filter((other) => other !== role);
        this.#tell(role, "StatusChange", "Released", others.map((other) => this[other].agent), USER_DATA);
        for (const kind of ["AttachedDataChanged", "ParticipantsUpdated"]) {
            const [a, b] = others;
            this.#tell(a, kind, "Established", [this[b].agent], USER_DATA);
            this.#tell(b, kind, "Established", [this[a].agent], USER_DATA);
        }
    }

    /** One of two leaves, and the other cannot leave what it has left: it is told so as of any call that it was on. */
    async #end(role, other) {
        await this[role].does(`me/calls/${this.id}`, "Hangup");
        this.#tell(role, "StatusChange", "Released", [this[other].agent], USER_DATA);
        this.#tell(other, "StatusChange", "Released", [this[role].agent], USER_DATA);
        await this.shows([other, undefined]);
        const late = await this[other].asks(`me/calls/${this.id}`, "Hangup");
        assert.deepEqual([late.status, late.body.statusCode], [400, 2]);
    }

    #tell(role, notificationType, state, others, userData) {
        this[role].told.push(notification(this[role].agent, notificationType, state, others, userData));
    }

    /** A message with what differs from run to run replaced by its name. */
    #normal(message, desktop) {
        const text = JSON.stringify(message)
            .replaceAll(this.id, "<id>")
            .replaceAll(this.connId, "<connId>")
            .replaceAll(desktop.device, "<device>")
            .replaceAll(this.base, "<base>");
        const normal = JSON.parse(text);
        if (normal.data.call) {
            assert.match(normal.data.call.duration, /^\d+$/);
            normal.data.call.duration = "<seconds>";
        }
        return normal;
    }
}

function notification(own, notificationType, state, others, userData) {
    return {
        channel: "/v2/me/calls",
        data: {
            messageType: "CallStateChangeMessage",
            notificationType,
            call: {
                id: "<id>",
                state,
                callUuid: "<id>",
                connId: "<connId>",
                deviceUri: "<base>/api/v2/devices/<device>",
                participants: others.map((number) => ({
                    e164Number: "",
                    formattedPhoneNumber: number,
                    phoneNumber: number,
                    digits: number,
                })),
                dnis: own === TARGET ? TARGET : CALLEE,
                callType: "Internal",
                capabilities: capabilities(own, state, others),
                ...(userData && { userData }),
                duration: "<seconds>",
                mute: "Off",
                supervisorListeningIn: false,
                monitoredUserMuted: false,
                monitoring: false,
                uri: "<base>/api/v2/me/calls/<id>",
                path: "/calls/<id>",
            },
            phoneNumber: own,
            // Data is changed by a desktop, not by the switch, which has nothing to add.
            ...(notificationType !== "AttachedDataChanged" && { extensions: { BusinessCall: 0 } }),
        },
    };
}

function capabilities(own, state, others) {
    const conference = others.length > 1;
    switch (state) {
        case "Dialing":
            return ["UpdateUserData", "SendDtmf", "AttachUserData", "DeleteUserDataPair", "DeleteUserData", "Hangup"];
        case "Ringing":
            return ["Answer", "UpdateUserData", "AttachUserData", "DeleteUserDataPair", "DeleteUserData", "ClearCall"];
        case "Established":
            return [
                "UpdateUserData",
                "SendDtmf",
                "InitiateConference",
                "Hold",
                "SingleStepTransfer",
                "InitiateTransfer",
                ...(conference && own === CALLER ? ["RemoveParticipantFromConference"] : []),
                "AttachUserData",
                "DeleteUserDataPair",
                "SingleStepConference",
                "DeleteUserData",
                ...(conference ? ["MuteCall"] : []),
                "Hangup",
            ];
        default:
            return [];
    }
}

function covers(pattern, channel) {
    const parent = pattern.slice(0, pattern.lastIndexOf("/") + 1);
    if (pattern.endsWith("/**")) return channel.startsWith(parent);
    if (pattern.endsWith("/*")) return channel.startsWith(parent) && !channel.slice(parent.length).includes("/");
    return pattern === channel;
}

/** Short enough that a difference in the course of things is seen at once. */
function brief({ data: { notificationType, errorMessage, call } }) {
    if (!call) return errorMessage;
    const others = call.participants.map((participant) => participant.phoneNumber).join("+");
    return `${notificationType} ${call.state} with ${others}`;
}
