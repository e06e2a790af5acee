/** A JSON object with unknown keys. */
export type JsonObject = Record<string, unknown>;

/**
 * Returns whether this is a parsed JSON object, not an array or a number that {@link parseJson} keeps as
 * text.
 */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * Parses like JSON.parse, but keeps a number that a double cannot give back (an id of 19 digits, 1e400, -0)
 * as it was written, so that JSON.stringify returns it exactly. Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  // The careful way costs several times as much and is rarely needed.
  if (!mayLoseNumbers(text)) return JSON.parse(text);
  try {
    return JSON.parse(text, keepLostNumbers);
  } catch (error) {
    // Nested too deeply to be visited: one such row must not cost the other rows of its page.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
}

/** Returns false if {@link parseJson} does the same as JSON.parse. */
export function mayLoseNumbers(text: string): boolean {
  return SUSPICIOUS_NUMBER.test(text);
}

/**
 * Returns false if no number has more digits than a double holds. Twice as fast as {@link mayLoseNumbers}.
 */
export function mayLoseDigits(text: string): boolean {
  return MANY_DIGITS.test(text);
}

/**
 * Returns a value as a double, even if {@link parseJson} keeps it as text; undefined if it is not a number.
 */
export function numberIn(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return JSON.isRawJSON(value) ? Number(value.rawJSON) : undefined;
}

/** Returns the object without the keys that `drop` names. A key `__proto__` is a key like any other. */
export function without(object: JsonObject, drop: (key: string) => boolean): JsonObject {
  // Without a prototype, assigning to `__proto__` makes a property instead of setting the prototype.
  const kept: JsonObject = Object.create(null);
  for (const key of Object.keys(object)) if (!drop(key)) kept[key] = object[key];
  return kept;
}

/**
 * Matches a number of a JSON text that may have to be kept as text, and what comes right before it: more
 * digits than a double always holds, an exponent that may lead beyond its range, or a zero with a sign.
 */
const SUSPICIOUS_NUMBER = /[:,[]\s*(?:-0[,}\]\s.eE]|[-\d](?:[\d.]{15}|[\d.]*[eE][+-]?\d{3}))/;
/** Written out: V8 then skips through a text without such a run; with `{16}` it looks at every character. */
const MANY_DIGITS = /[\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.]/;
const LONG_EXPONENT = /[eE][+-]?\d{3}/;
/** The smallest number that a double holds with all its digits. */
const LEAST_NORMAL = 2 ** -1022;

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

declare global {
  /** JSON.parse source text access (ES2026): in Node since 21, not yet in TypeScript's library. */
  interface JSON {
    parse(text: string, reviver: Reviver): unknown;
    rawJSON(text: string): unknown;
    isRawJSON(value: unknown): value is { readonly rawJSON: string };
  }
}

const keepLostNumbers: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && isLost(value, source) ? JSON.rawJSON(source) : value;

/** Judges by the number's own text alone: the rest of its page must not decide how it is stored. */
function isLost(value: number, source: string): boolean {
  if (String(value) === source) return false;
  if (Object.is(value, -0) || MANY_DIGITS.test(source)) return true;
  return LONG_EXPONENT.test(source) && !(Math.abs(value) >= LEAST_NORMAL && Number.isFinite(value));
}
