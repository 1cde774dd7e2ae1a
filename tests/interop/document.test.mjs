// What the OpenAPI document says, tried out on the server with schemathesis: requests as it allows and as it forbids,
// and whether the answers are as it describes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { Server } from "./server.mjs";

const python = process.env.INTEROP_PYTHON ?? "";
const schemathesis = join(dirname(python), "schemathesis");
const skip = !existsSync(schemathesis) && "no schemathesis here: tests/run makes one where there is python3";
const TOKEN = "a-token-for-tests-0123456789";

/** The same requests each time. What a call's state forbids is well-formed all the same, and refused with 400. */
const SETTINGS = `
seed = 1
continue-on-failure = true
[phases.stateful]
enabled = false
[generation]
max-examples = 20
deterministic = true
database = "none"
[checks.positive_data_acceptance]
enabled = false
`;

/** What stands in for the parameters of a path, for those paths that match. */
function stands(paths, parameters) {
    const lines = Object.entries(parameters).map(([name, value]) => `"path.${name}" = ${JSON.stringify(value)}`);
    return `[[operations]]\ninclude-path-regex = '${paths}'\n[operations.parameters]\n${lines.join("\n")}\n`;
}

/** Runs it in a directory of its own, and says what it said. */
async function run(server, settings, ...args) {
    const directory = await mkdtemp(join(tmpdir(), "document-"));
    await writeFile(join(directory, "schemathesis.toml"), SETTINGS + settings);
    const command = ["--no-color", "run", `${server.base}/openapi.json`, ...args];
    const child = spawn(schemathesis, command, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
    const [code] = await once(child, "close");
    await rm(directory, { recursive: true });
    return { code, said };
}

/** How many operations were tried, and how many requests were made. */
function extent(said) {
    const operations = Number(/^\s*Tested: (\d+)$/m.exec(said)?.[1]);
    const requests = Number(/^\s*([\d,]+) generated/m.exec(said)?.[1].replaceAll(",", ""));
    return { operations, requests };
}

test("the API for desktops answers as its document says", { skip }, async (t) => {
    const server = await Server.start();
    t.after(() => server.dispose());
    const headers = { Authorization: `Basic ${btoa("15000:15000")}`, "Content-Type": "application/json" };
    const ask = async (path, init) => (await fetch(`${server.base}/api/v2/${path}`, { headers, ...init })).json();
    const { user } = await ask("me?subresources=devices");
    const device = user.devices[0].id;
    const body = JSON.stringify({ operationName: "Dial", destination: { phoneNumber: "15001" } });
    assert.equal((await ask(`me/devices/${device}/calls`, { method: "POST", body })).statusCode, 0);
    const { calls } = await ask("me/calls?fields=*");
    const settings = [
        stands("^/api/v2/(me/)?devices/", { id: device, group: "tserver" }),
        stands("^/api/v2/me/calls/", { id: calls[0].id }),
        stands("^/api/v2/me/channels/", { id: "voice" }),
        stands("^/api/v2/me/settings/", { id: "interaction-workspace" }),
        stands("^/api/v2/(users|contacts)/", { id: user.id }),
    ];
    // Bayeux has its own tests, and no document of this kind describes it.
    const apart = "^/(admin|cometd|api/v2/notifications)";
    const { code, said } = await run(server, settings.join(""), "-a", "15000:15000", "--exclude-path-regex", apart);
    assert.equal(code, 0, said);
    const { operations, requests } = extent(said);
    assert.ok(operations >= 39 && requests > 1000, said);
});

test("the admin API answers as its document says", { skip }, async (t) => {
    const server = await Server.start({ PARTYLINE__ADMIN__TOKEN: TOKEN });
    t.after(() => server.dispose());
    // A stream has no end, and a server that drains takes no more.
    const paths = ["--include-path-regex", "^/admin/", "--exclude-path-regex", "(events|drain)$"];
    const { code, said } = await run(server, "", "-H", `Authorization: Bearer ${TOKEN}`, ...paths);
    assert.equal(code, 0, said);
    const { operations, requests } = extent(said);
    assert.ok(operations >= 11 && requests > 400, said);
});
