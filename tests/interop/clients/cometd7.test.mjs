// cometd.js 7, which is no module yet.

import { createRequire } from "node:module";
import { adapt } from "cometd-nodejs-client";
import { playCometd } from "./cometd-node.mjs";

const require = createRequire(import.meta.url);

adapt();
const { CometD } = require("cometd7");
const AckExtension = require("cometd7/AckExtension");
const BinaryExtension = require("cometd7/BinaryExtension");
const ReloadExtension = require("cometd7/ReloadExtension");

playCometd("cometd.js 7", { CometD, AckExtension, BinaryExtension, ReloadExtension }, adapt);
