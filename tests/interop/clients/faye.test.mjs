// Faye's client, of its own dialect of Bayeux.

import { faye } from "./faye-node.mjs";
import { FayeDriver } from "./faye.mjs";
import { play } from "./scenarios.mjs";

play("Faye", {
    transports: ["long-polling", "websocket"],
    driver: (take) => new FayeDriver(faye, take),
    can: ["calls"],
});
