import { exitCodeOf, exitCodeOfRun, type ExitCode } from '../../src/cli/exit.ts';
import { hintOf } from '../../src/cli/hints.ts';
import type { ErrorCode, ErrorFacts, TaskmirrorError } from '../../src/model/errors.ts';
import type { SyncResult } from '../../src/sync/sync.ts';

/** An error as the command line tells it. */
export interface Told {
  error: Error;
  code: ErrorCode;
  facts: ErrorFacts[ErrorCode];
  message: string;
  cause: unknown;
  hint: string | undefined;
  exitCode: ExitCode;
}

/** An error with the hint and the exit code that the command line gives it. */
export function told(failure: unknown): Told {
  const error = failure as TaskmirrorError;
  const { code, facts, message, cause } = error;
  return { error, code, facts, message, cause, hint: hintOf(error), exitCode: exitCodeOf(error) };
}

/** The same of what this rejects with or throws. */
export async function toldBy(work: Promise<unknown> | (() => unknown)): Promise<Told> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return told(error);
  }
  throw new Error('nothing was thrown');
}

/** A run with the exit code that a command gives it. */
export function withExitCode<R extends SyncResult>(result: R): R & { exitCode: ExitCode } {
  return { ...result, exitCode: exitCodeOfRun(result) };
}
