// Remote calls that a back end answers, and what back ends do by the admin API, as the official client sees it.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, afterEach, before, describe, test } from "node:test";
import { Client, basic, closeAll } from "./client.mjs";
import { Server } from "./server.mjs";

const TOKEN = "a-token-for-tests-0123456789";

describe("back ends", { concurrency: 1 }, () => {
    let backEnd;
    let server;
    before(async () => {
        backEnd = createServer(async (request, response) => {
            let body = "";
            for await (const piece of request) body += piece;
            const { channel, data, agent } = JSON.parse(body);
            if (channel.endsWith("/never")) return;
            response.end(JSON.stringify(data === "refuse" ? { error: { why: "no" } } : { data: { agent, data } }));
        });
        await new Promise((resolve) => backEnd.listen(0, "127.0.0.1", resolve));
        const url = `http://127.0.0.1:${backEnd.address().port}/ask`;
        const service = `{ pattern = "/service/crm/**", publish = "agents", upstream = "${url}" }`;
        const hint = '{ pattern = "/service/hint", subscribe = "agents" }';
        const demo = '{ pattern = "/demo/**", subscribe = "agents", publish = "nobody" }';
        server = await Server.start({
            PARTYLINE__CHANNEL: `[${service}, ${hint}, ${demo}]`,
            PARTYLINE__UPSTREAM__TIMEOUT: "300ms",
            PARTYLINE__ADMIN__TOKEN: TOKEN,
        });
    });
    after(async () => {
        await server.dispose();
        backEnd.closeAllConnections();
        backEnd.close();
    });
    afterEach(closeAll);

    async function opened(ack, ...channels) {
        const client = new Client(`${server.base}/cometd`, { Authorization: basic("15000") }, { ack });
        await client.open(...channels);
        return client;
    }

    async function admin(path, body) {
        const headers = { Authorization: `Bearer ${TOKEN}` };
        const answer = await fetch(`${server.base}/admin/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
        assert.equal(answer.status, 200);
        return await answer.json();
    }

    for (const ack of [true, false]) {
        test(`answer remote calls, ${ack ? "with" : "without"} acknowledgement`, async () => {
            const client = await opened(ack);
            const asked = [1, "two", { three: [3] }];
            const answers = await Promise.all(asked.map((data) => client.call("crm/find", data)));
            assert.deepEqual(answers.map((answer) => answer.data), asked.map((data) => ({ agent: "15000", data })));
            await assert.rejects(client.call("crm/find", "refuse"), /"why":"no"/);
            await assert.rejects(client.call("crm/never", 1), /504:.*upstream_timeout/);
            await assert.rejects(client.call("other", 1), /404:.*service_unknown/);
        });

        test(`publish and deliver, ${ack ? "with" : "without"} acknowledgement`, async () => {
            const client = await opened(ack, "/demo/a", "/service/hint");
            await admin("publish", { channel: "/demo/a", data: { n: 1 } });
            await admin("agents/15000/deliver", { channel: "/service/hint", data: "look" });
            await client.received(2);
            assert.deepEqual(client.wire, [
                { channel: "/demo/a", data: { n: 1 } },
                { channel: "/service/hint", data: "look" },
            ]);
            assert.deepEqual(client.seen.get("/service/hint"), client.wire.slice(1));
        });
    }
});
