import { UsageError } from '../model/errors.ts';

/** A check of an option's type, with its words in an error. */
export interface Kind {
  expected: string;
  fits: (value: unknown) => boolean;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const hasMethod = (value: unknown, name: string): boolean =>
  isObject(value) && typeof Reflect.get(value, name) === 'function';

export const KINDS = {
  text: { expected: 'a text', fits: (value) => typeof value === 'string' },
  path: { expected: 'a path', fits: (value) => typeof value === 'string' && value !== '' },
  flag: { expected: 'true or false', fits: (value) => typeof value === 'boolean' },
  callback: { expected: 'a function', fits: (value) => typeof value === 'function' },
  list: { expected: 'a list', fits: Array.isArray },
  object: { expected: 'an object', fits: (value) => isObject(value) && !Array.isArray(value) },
  signal: { expected: 'an AbortSignal', fits: (value) => value instanceof AbortSignal },
  log: {
    expected: 'an object with the methods debug, info, warn and error',
    fits: (value) => ['debug', 'info', 'warn', 'error'].every((name) => hasMethod(value, name)),
  },
  /** For a value that is checked elsewhere. */
  any: { expected: 'anything', fits: () => true },
} as const satisfies Record<string, Kind>;

/**
 * Throws UsageError unless `given` is an object whose properties are known and fit; undefined always fits.
 * `label` begins the name of each property in an error.
 */
export function assertOptions(given: unknown, kinds: Readonly<Record<string, Kind>>, label = ''): void {
  assertFits(label === '' ? 'options' : label, given, KINDS.object);
  for (const [name, value] of Object.entries(given as object)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    const option = label === '' ? name : `${label}.${name}`;
    if (kind === undefined) throw unknownOption(option, Object.keys(kinds));
    if (value !== undefined) assertFits(option, value, kind);
  }
}

/** Throws UsageError, which names the type alone, since the value may be a key. */
export function assertFits(option: string, value: unknown, { fits, expected }: Kind): void {
  if (!fits(value)) throw wrong(option, typeOf(value), expected);
}

/** Returns the error for an option with an invalid value; `said` is that value, or its type. */
export function wrong(option: string, said: string, expected: string): UsageError {
  return new UsageError(
    'option_invalid',
    { option },
    `the option ${option} is ${said}: expected ${expected}`,
  );
}

function unknownOption(option: string, known: readonly string[]): UsageError {
  const message = `there is no option ${option}: the options are ${known.join(', ')}`;
  return new UsageError('option_invalid', { option }, message);
}

function typeOf(value: unknown): string {
  if (value === '') return 'empty';
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
