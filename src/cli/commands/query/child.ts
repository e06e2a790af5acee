import { spawn } from 'node:child_process';
import { InterruptedError, UsageError } from '../../../model/errors.ts';
import { EXIT, type ExitCode } from '../../exit.ts';
import type { Clock } from '../../../model/clock.ts';
import { duration } from '../../../render/text.ts';

/**
 * The command that starts this program again: the path of node, then its arguments, this program's file last.
 */
export type ProgramCommand = readonly [node: string, ...rest: string[]];

export interface LimitedRun {
  program: ProgramCommand;
  args: readonly string[];
  /** The process's whole stdin. It inherits stdout and stderr. */
  input: string;
  limitMs: number;
  clock: Pick<Clock, 'timeout'>;
  /** Kills the process. */
  signal: AbortSignal;
  cwd: string | null;
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs the program in its own process, and kills it after `limitMs`: a computing SQLite cannot be stopped
 * otherwise. Returns its exit code. Throws UsageError at the limit, because the caller has to ask for less or
 * allow more; the signal's reason when it aborts.
 */
export async function runLimited({ limitMs, clock, signal, ...run }: LimitedRun): Promise<ExitCode> {
  signal.throwIfAborted();
  const [node, ...rest] = run.program;
  const child = spawn(node, [...rest, ...run.args], {
    cwd: run.cwd ?? undefined,
    env: run.env,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  // A write to a process that has just died fails; its exit is reported instead.
  child.stdin.on('error', () => {});
  child.stdin.end(run.input);

  const kill = (): boolean => child.kill('SIGKILL');
  const limit = clock.timeout(limitMs);
  limit.addEventListener('abort', kill);
  signal.addEventListener('abort', kill);
  const ended = Promise.withResolvers<{ code: number | null; by: NodeJS.Signals | null }>();
  child.once('error', ended.reject);
  child.once('close', (code, by) => ended.resolve({ code, by }));
  const { code, by } = await ended.promise.finally(() => signal.removeEventListener('abort', kill));

  if (code !== null) return Object.values(EXIT).find((known) => known === code) ?? EXIT.unexpected;
  signal.throwIfAborted();
  if (limit.aborted) {
    const message = `the query was stopped: it took longer than ${duration(limitMs)}`;
    throw new UsageError('sql_too_slow', { limitMs }, message);
  }
  // A Ctrl-C reaches every process of a terminal, and may reach the child first.
  if (by === 'SIGINT' || by === 'SIGTERM' || by === 'SIGHUP')
    throw new InterruptedError(`interrupted by ${by}`);
  throw new Error(`The process that ran the query was ended by ${by}.`);
}
