// Faye's client in Node.

import { createRequire } from "node:module";

/** The library. */
export const faye = createRequire(import.meta.url)("faye");
