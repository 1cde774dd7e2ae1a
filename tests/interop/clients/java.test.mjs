// The Java client of CometD.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Remote } from "./remote.mjs";
import { play } from "./scenarios.mjs";

const libraries = process.env.INTEROP_JAVA_LIBRARIES ?? "";
const remote = new Remote("java", "-cp", join(libraries, "*"), fileURLToPath(new URL("java/Driver.java", import.meta.url)));

play("CometD for Java", {
    transports: ["long-polling", "websocket"],
    driver: (take) => remote.driver(take),
    can: ["ack", "batch", "binary", "calls"],
    begin: () => remote.start(),
    end: () => remote.stop(),
    skip: !existsSync(libraries) && "no libraries here: tests/run fetches them where there is Maven",
});
