import type { ErrorCode, ErrorFacts } from '../model/errors.ts';

/** Advice about an error, for a person at a command line; null: its message is enough. */
export type Hint<C extends ErrorCode> = string | null | ((facts: ErrorFacts[C]) => string | null);

/** A hint for every one of these codes. */
export type Hints<Codes extends ErrorCode> = { readonly [C in Codes]: Hint<C> };
