// The AsyncAPI document: which message may be said on which channel by whom, and how much of it was seen.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import specs from "@asyncapi/specs";
import Ajv from "ajv";
import { parse } from "yaml";

const FILE = new URL("../../docs/asyncapi.yaml", import.meta.url);
/** What the document is called where a schema points into it. */
const ID = "asyncapi";

/** The document, with a memory of what was held against it. */
export class Document {
    /** The places of its schemas at which values were. */
    seen = new Set();

    static async read() {
        return new Document(parse(await readFile(FILE, "utf8")));
    }

    constructor(content) {
        this.content = content;
        this.ajv = new Ajv({ strictTypes: false, allowUnionTypes: true, allErrors: true });
        this.ajv.addVocabulary(Object.keys(content));
        this.ajv.addSchema(content, ID);
    }

    /** What is wrong with it as a document of AsyncAPI, as far as its schema says. */
    flaws() {
        const ajv = new Ajv({ strict: false, validateFormats: false });
        const holds = ajv.compile(specs.schemasWithoutId[this.content.asyncapi]);
        return holds(this.content) ? [] : holds.errors;
    }

    /** Every place that it points to. */
    pointers(within = this.content) {
        if (within === null || typeof within !== "object") return [];
        const own = typeof within.$ref === "string" ? [within.$ref] : [];
        return [...own, ...Object.values(within).flatMap((below) => this.pointers(below))];
    }

    /** What stands at a place; nothing if there is no such place. */
    at(pointer) {
        const names = pointer.slice("#/".length).split("/");
        return names.reduce((found, name) => found?.[name], this.content);
    }

    /** The channels with a name of their own, by that name. */
    get addresses() {
        const channels = Object.entries(this.content.channels).map(([key, { address }]) => [address, key]);
        return new Map(channels.filter(([address]) => !address.includes("{")));
    }

    /** The messages that the server sends on a channel, or takes there: where each stands. */
    messages(channel, action) {
        const found = new Set();
        const add = (part, key) => {
            const on = part.channel.$ref.split("/").at(-1);
            if (on !== channel) return;
            const all = Object.keys(this.content.channels[on].messages).map((name) => `#/channels/${on}/messages/${name}`);
            for (const pointer of part.messages?.map(({ $ref }) => $ref) ?? all) {
                assert.ok(all.includes(pointer), `${key} has a message that its channel has not: ${pointer}`);
                found.add(this.at(pointer).$ref);
            }
        };
        for (const [key, operation] of Object.entries(this.content.operations)) {
            if (operation.action === action) add(operation, key);
            if (operation.reply && action === "send") add(operation.reply, key);
        }
        return [...found];
    }

    /** A message must be one of those of its channel, and no other. */
    check(channel, action, message) {
        const messages = this.messages(channel, action);
        const fits = messages.filter((pointer) => this.#validator(`${pointer}/payload`)(message));
        if (fits.length !== 1) {
            const errors = messages.map((pointer) => [pointer, this.#validator(`${pointer}/payload`).errors]);
            const wrong = errors.flatMap(([pointer, all]) => all?.map((error) => `${pointer}: ${JSON.stringify(error)}`));
            const text = [JSON.stringify(message), ...wrong].join("\n");
            assert.fail(`fits ${fits.length} of what the server may ${action} on ${channel}: ${text}`);
        }
        this.seen.add(fits[0]);
        for (const place of this.#places(`${fits[0]}/payload`, [message])) this.seen.add(place);
    }

    /** The places that no value was at. */
    unseen() {
        const places = new Set();
        for (const channel of Object.keys(this.content.channels)) {
            for (const pointer of [...this.messages(channel, "send"), ...this.messages(channel, "receive")]) {
                places.add(pointer);
                for (const place of this.#places(`${pointer}/payload`)) places.add(place);
            }
        }
        return [...places].filter((place) => !this.seen.has(place));
    }

    #validator(pointer) {
        return this.ajv.getSchema(`${ID}${pointer}`);
    }

    /** The members, choices and listed values below a place of a schema: all of them, or those that values show. */
    *#places(pointer, values) {
        const schema = this.at(pointer);
        const below = (name, only) => this.#places(`${pointer}/${name}`, only);
        if (schema.$ref) yield* this.#places(schema.$ref, values);
        for (const [index] of (schema.allOf ?? []).entries()) yield* below(`allOf/${index}`, values);
        for (const [index] of (schema.anyOf ?? []).entries()) {
            const fitting = values?.filter(this.#validator(`${pointer}/anyOf/${index}`));
            if (fitting?.length !== 0) yield* [`${pointer}/anyOf/${index}`, ...below(`anyOf/${index}`, fitting)];
        }
        const choices = schema.type === "boolean" ? [false, true] : (schema.enum ?? []);
        for (const choice of choices) if (values?.includes(choice) ?? true) yield `${pointer}: ${choice}`;
        for (const [name, member] of Object.entries(schema.properties ?? {})) {
            const those = values?.filter((value) => Object.hasOwn(value, name)).map((value) => value[name]);
            if (member !== false && those?.length !== 0) yield* [`${pointer}/${name}`, ...below(`properties/${name}`, those)];
        }
        if (schema.items) yield* below("items", values?.flat());
        if (schema.additionalProperties) yield* below("additionalProperties", values?.flatMap(Object.values));
    }
}
