// Faye's client, of its own dialect of Bayeux.

import { FayeDriver } from "./faye.mjs";
import { play } from "./scenarios.mjs";

play("Faye", {
    transports: ["long-polling", "websocket"],
    driver: (take) => new FayeDriver(take),
    can: ["calls"],
});
