import type {
  ApiFacts,
  DatabaseFacts,
  InterruptionFacts,
  KeyFacts,
  LeaseFacts,
  OutputFacts,
  SafetyFacts,
  UsageFacts,
} from './error-facts.ts';

/** The facts of every error, by its code. */
export interface ErrorFacts
  extends
    UsageFacts,
    KeyFacts,
    ApiFacts,
    SafetyFacts,
    DatabaseFacts,
    OutputFacts,
    LeaseFacts,
    InterruptionFacts {}

/**
 * The cause of an error, for programs: a contract (docs/exit-codes.md). A released code keeps its meaning.
 */
export type ErrorCode = keyof ErrorFacts;

/**
 * An error that somebody can act on. `code` is the cause, `facts` are its details; the message has both for
 * people. The advice depends on the caller: the command line's is in src/cli/hints.ts. There is one class for
 * each party that has to act, and one code for each cause.
 */
export abstract class TaskmirrorError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly facts: ErrorFacts[C];

  constructor(code: C, facts: ErrorFacts[C], message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.facts = facts;
  }
}

/** The caller has to correct a command line, a setting or a statement. */
export class UsageError<C extends keyof UsageFacts = keyof UsageFacts> extends TaskmirrorError<C> {}

/** The API itself refused the key, by one of its own error codes: a source needs another key. */
export class KeyRefusedError extends TaskmirrorError<keyof KeyFacts> {}

/** The API could not be reached, or its answer made no sense, after all retries: try again later. */
export class ApiFailedError<C extends keyof ApiFacts = keyof ApiFacts> extends TaskmirrorError<C> {}

/** The API answers, but cannot serve this page of the list: a smaller page, or another place, may work. */
export class PageFailedError<C extends keyof ApiFacts = keyof ApiFacts> extends ApiFailedError<C> {
  readonly isTooLarge: boolean;

  constructor(
    code: C,
    facts: ErrorFacts[C],
    message: string,
    options: ErrorOptions & { isTooLarge?: boolean } = {},
  ) {
    super(code, facts, message, options);
    this.isTooLarge = options.isTooLarge ?? false;
  }
}

/** Continuing might lose data (the list is empty or shrank too far): somebody has to look first. */
export class SafetyStopError<C extends keyof SafetyFacts = keyof SafetyFacts> extends TaskmirrorError<C> {}

/** The database is missing, unreachable, damaged, foreign, newer than this program, or its disk is full. */
export class DatabaseError<C extends keyof DatabaseFacts = keyof DatabaseFacts> extends TaskmirrorError<C> {}

/** A file or stream for results takes no more: somebody has to make room, or choose another place. */
export class OutputError<C extends keyof OutputFacts = keyof OutputFacts> extends TaskmirrorError<C> {}

/** Another process is syncing this source: the caller can only wait for it. */
export class LeaseHeldError<C extends keyof LeaseFacts = keyof LeaseFacts> extends TaskmirrorError<C> {}

/** Somebody asked the program to stop (SIGINT, SIGTERM, or an AbortSignal of the caller's). */
export class InterruptedError extends TaskmirrorError<'interrupted'> {
  constructor(message: string, options: ErrorOptions = {}) {
    super('interrupted', {}, message, options);
  }
}

/** Returns whether an error is a TaskmirrorError with one of these codes. */
export function hasCode<C extends ErrorCode>(
  error: unknown,
  ...codes: readonly C[]
): error is TaskmirrorError<C> {
  return error instanceof TaskmirrorError && codes.some((code) => code === error.code);
}
