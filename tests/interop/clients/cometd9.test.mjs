// cometd.js 9, with the stand-in for a browser of its own release.

import { adapt } from "cometd-nodejs-client2";
import * as library from "cometd9";
import { playCometd } from "./cometd-node.mjs";

playCometd("cometd.js 9", library, adapt);
