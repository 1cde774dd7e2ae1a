// cometd.js 8.

import { adapt } from "cometd-nodejs-client";
import * as library from "cometd";
import { playCometd } from "./cometd-node.mjs";

playCometd("cometd.js 8", library, adapt);
