import type { ErrorCode, ErrorFacts } from '../model/errors.ts';

/** What to do about an error, for a person at a command line; null: its message says all there is. */
export type Hint<C extends ErrorCode> = string | null | ((facts: ErrorFacts[C]) => string | null);

/** A hint for every one of these codes. */
export type Hints<Codes extends ErrorCode> = { readonly [C in Codes]: Hint<C> };
