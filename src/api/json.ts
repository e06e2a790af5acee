/** A JSON object with keys not yet known. */
export type JsonObject = Record<string, unknown>;

/** True for a parsed JSON object: neither an array nor one of the numbers that {@link parseJson} keeps as text. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * JSON.parse, except that a number which a double would round (an id of 19 digits, say) is kept by its
 * digits, so that JSON.stringify gives it back exactly. Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  // The careful way costs several times as much and is hardly ever needed.
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  try {
    return JSON.parse(text, keepLongNumbers);
  } catch (error) {
    // Nested too deeply to be visited: one such row must not cost the others of its page.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
}

/** The object without the keys that `drop` names. A key `__proto__` is a key like any other. */
export function without(object: JsonObject, drop: (key: string) => boolean): JsonObject {
  // Without a prototype, assigning to `__proto__` makes a property instead of setting the prototype.
  const kept: JsonObject = Object.create(null);
  for (const key of Object.keys(object)) if (!drop(key)) kept[key] = object[key];
  return kept;
}

/**
 * A run of more digits than a double always holds exactly. Written out: V8 then skips through a text without such a
 * run, where `{16}` would make it look at every character.
 */
const LONG_NUMBER = /\d\d\d\d\d\d\d\d\d\d\d\d\d\d\d\d/;

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

declare global {
  /** JSON.parse source text access (ES2026): in Node since 21, not yet in TypeScript's library. */
  interface JSON {
    parse(text: string, reviver: Reviver): unknown;
    rawJSON(text: string): unknown;
  }
}

const keepLongNumbers: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && LONG_NUMBER.test(source) && String(value) !== source
    ? JSON.rawJSON(source)
    : value;
