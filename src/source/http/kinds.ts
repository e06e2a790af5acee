import type { SentField, Values } from '../../model/fields.ts';
import { isJsonObject, numberIn } from './json.ts';
import { utcTextFrom } from './time.ts';

const MAX_ID_LENGTH = 1000;

/**
 * A kind of value that a field may hold. A zod schema for each row took twice as long as parsing the JSON.
 */
export interface Kind<T> {
  /** Returns the value as a task has it; undefined if it is not of this kind. */
  read(value: unknown): T | undefined;
  /** Says what a value that is not of this kind should have been. */
  expected(value: unknown): string;
}

/** Any text. */
export const TEXT: Kind<string> = {
  // UTF-8, and so SQLite, cannot hold lone surrogates.
  read: (value) => (typeof value === 'string' && value.isWellFormed() ? value : undefined),
  expected: (value) =>
    typeof value === 'string' ? 'expected Unicode text, without lone surrogates' : 'expected text',
};
/** Text that is not empty. */
export const SOME_TEXT: Kind<string> = {
  read: (value) => (value === '' ? undefined : TEXT.read(value)),
  expected: (value) => (value === '' ? 'expected text that is not empty' : TEXT.expected(value)),
};
/** An identifier of a task, also in a URL. */
export const ID: Kind<string> = {
  read: (value) => {
    const text = SOME_TEXT.read(value);
    return text === undefined || text.length > MAX_ID_LENGTH || isPathStep(text) ? undefined : text;
  },
  expected: (value) => {
    const text = SOME_TEXT.read(value);
    if (text === undefined) return SOME_TEXT.expected(value);
    return isPathStep(text)
      ? 'expected an id that can be part of a URL'
      : `expected at most ${MAX_ID_LENGTH} characters`;
  },
};
/** A time, as the UTC text that the mirror stores. */
export const TIME: Kind<string> = {
  read: (value) => (typeof value === 'string' ? (utcTextFrom(value) ?? undefined) : undefined),
  expected: () => 'expected an ISO 8601 time with Z or an offset, in the years 0001 to 9999',
};
/** True or false. */
export const FLAG: Kind<boolean> = {
  read: (value) => (typeof value === 'boolean' ? value : undefined),
  expected: () => 'expected true or false',
};
/** An object, as JSON text. Throws RangeError if it is nested too deeply to be written. */
export const OBJECT: Kind<string> = {
  read: (value) => (isJsonObject(value) ? JSON.stringify(value) : undefined),
  expected: () => 'expected an object or null',
};
/** A whole number, 0 or more, that a double holds exactly. */
export const COUNT: Kind<number> = {
  read: (value) => {
    const count = numberIn(value);
    return count !== undefined && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
  },
  expected: (value) => (Number.isSafeInteger(value) ? 'expected 0 or more' : 'expected a whole number'),
};
/** By the kind of a task's field. */
export const KINDS: { readonly [K in SentField['kind']]: Kind<Values[K]> } = {
  id: ID,
  status: SOME_TEXT,
  text: TEXT,
  time: TIME,
  boolean: FLAG,
  count: COUNT,
  json: OBJECT,
};

/** A field that is not kept is not looked at. */
export const OMITTED: Kind<null> = { read: () => null, expected: () => '' };

/** Returns a kind that also accepts a missing value and null, and reads both as null. */
export const orNull = <T>(kind: Kind<T>): Kind<T | null> => ({
  read: (value) => (value === undefined || value === null ? null : kind.read(value)),
  expected: (value) => kind.expected(value),
});

/** Returns whether an id would vanish as a step of a URL's path: GET would ask for something else. */
function isPathStep(id: string): boolean {
  return id === '.' || id === '..';
}
