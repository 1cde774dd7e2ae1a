// aiocometd, in Python.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Remote } from "./remote.mjs";
import { play } from "./scenarios.mjs";

const python = process.env.INTEROP_PYTHON ?? "";
const remote = new Remote(python, fileURLToPath(new URL("python/driver.py", import.meta.url)));

play("aiocometd", {
    transports: ["long-polling", "websocket"],
    driver: (take) => remote.driver(take),
    tells: false,
    begin: () => remote.start(),
    end: () => remote.stop(),
    // It takes the pause that the server asks for as seconds, which is in milliseconds.
    settings: { PARTYLINE__DRAIN__WINDOW: "1ms" },
    skip: !existsSync(python) && "no Python with aiocometd here: tests/run makes one where there is python3",
});
