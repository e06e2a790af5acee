/** Exit codes of every command: a contract with scripts and cron jobs (docs/exit-codes.md). */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  partial: 3,
  keyRefused: 4,
  apiFailed: 5,
  differences: 6,
  removalBrake: 7,
  database: 10,
  locked: 11,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * An error that somebody can act on. The message says what happened and to which source, file or row;
 * `hint` says what to do next. There is one class for each party that has to act, not one for each cause.
 */
export abstract class TaskmirrorError extends Error {
  abstract readonly exitCode: ExitCode;
  readonly hint: string | undefined;
  /** No further try of this process can succeed; one that starts anew may. */
  readonly needsRestart: true | undefined;

  constructor(message: string, options: { hint?: string; cause?: unknown; needsRestart?: true } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.hint = options.hint;
    this.needsRestart = options.needsRestart;
  }
}

/** The caller has to correct a command line, a setting or a statement. */
export class UsageError extends TaskmirrorError {
  readonly exitCode = EXIT.usage;
}

/** The API itself refused the key, by one of its own error codes: somebody has to give a source another key. */
export class KeyRefusedError extends TaskmirrorError {
  readonly exitCode = EXIT.keyRefused;
}

/** The API could not be reached or made no sense, after all retries: try again later. */
export class ApiFailedError extends TaskmirrorError {
  readonly exitCode = EXIT.apiFailed;
}

/** The API answers, but cannot serve this page of the list: a smaller one, or another place, may fare better. */
export class PageFailedError extends ApiFailedError {
  readonly isTooLarge: boolean;

  constructor(message: string, options: { hint?: string; cause?: unknown; isTooLarge?: boolean } = {}) {
    super(message, options);
    this.isTooLarge = options.isTooLarge ?? false;
  }
}

/** Going on might lose data (the list is empty or shrank too far): somebody has to look first. */
export class SafetyStopError extends TaskmirrorError {
  readonly exitCode = EXIT.removalBrake;
}

/** The database file is missing, corrupt, foreign, newer than this program, or its disk is full. */
export class DatabaseError extends TaskmirrorError {
  readonly exitCode = EXIT.database;
}

/** A file or stream that results go to takes no more: somebody has to make room, or name another place. */
export class OutputError extends TaskmirrorError {
  readonly exitCode = EXIT.database;
}

/** Another process is syncing this source: nothing to do but wait for it. */
export class LeaseHeldError extends TaskmirrorError {
  readonly exitCode = EXIT.locked;
}

/** Somebody asked the program to stop (SIGINT, SIGTERM, or an AbortSignal of the caller's). */
export class InterruptedError extends TaskmirrorError {
  readonly exitCode = EXIT.interrupted;
}

/** The exit code that a failure of any kind stands for. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof TaskmirrorError ? error.exitCode : EXIT.unexpected;
}
