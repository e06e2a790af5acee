import { type ChildProcess, spawn } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../model/clock.ts';
import type { HookMessage } from './message.ts';
import type { Sent } from './sender.ts';

/** Time for a command, in ms: within the lease of its hook. */
const TIMEOUT_MS = 30_000;
/** Characters of its stderr that are kept; the rest, and its stdout, are read and dropped. */
const MAX_STDERR = 8_192;

/** Of the environment, a command gets these alone: keys and passwords are in others. */
const PASSED = /^(?:PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TZ|LANG|LC_[A-Z]+|SYSTEMROOT|PATHEXT)$/;

export interface CommandDeps {
  clock: Pick<Clock, 'timeout'>;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string | null;
  onOutput: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Runs a program once for a message, which it gets on stdin as one line of JSON, without a shell and in a process
 * group of its own. Exit code 0 is delivered. After 30 s, or if the signal aborts, the whole group is killed.
 * Throws the signal's reason if that aborts.
 */
export async function runCommand(
  [program, ...words]: readonly [string, ...string[]],
  { hook, message }: { hook: string; message: HookMessage },
  { clock, env, cwd, onOutput, signal }: CommandDeps,
): Promise<Sent> {
  signal.throwIfAborted();
  const timeout = clock.timeout(TIMEOUT_MS);
  let child: ChildProcess;
  try {
    child = spawn(program, words, {
      cwd: cwd ?? undefined,
      env: { ...reduced(env), TASKMIRROR_HOOK: hook, TASKMIRROR_EVENT: message.body.type },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    // Node throws what is no usual reason, such as a folder in the path that is a file.
    return failed(`could not be started (${codeOf(error)})`);
  }
  const within = AbortSignal.any([signal, timeout]);
  const ended = endOf(child, within);
  // A program that does not read it ends all the same.
  child.stdin?.on('error', () => {});
  child.stdin?.end(`${JSON.stringify({ id: message.id, ...message.body })}\n`);
  child.stdout?.resume();
  const stderr = tailOf(child);
  const { error, code, killed } = await ended;
  signal.throwIfAborted();
  if (error !== null) return failed(`could not be started (${error})`);
  if (code === 0) return { outcome: 'delivered' };
  const line = stderr().trimEnd().split('\n').at(-1) ?? '';
  if (line !== '') onOutput(line);
  if (timeout.aborted) return failed(`was still running after ${TIMEOUT_MS / 1_000} s`);
  return failed(killed === null ? `ended with exit code ${code}` : `was ended by ${killed}`);
}

interface End {
  /** Why it could not be started; null if it was. */
  error: string | null;
  code: number | null;
  killed: NodeJS.Signals | null;
}

/** Resolves when the program itself has ended: what it left in the background may keep its pipes open. */
async function endOf(child: ChildProcess, signal: AbortSignal): Promise<End> {
  const kill = (): void => killGroup(child);
  signal.addEventListener('abort', kill, { once: true });
  const end = await new Promise<End>((resolve) => {
    child.once('error', (error) => resolve({ error: codeOf(error), code: null, killed: null }));
    child.once('exit', (code, killed) => resolve({ error: null, code, killed }));
  });
  signal.removeEventListener('abort', kill);
  // What it wrote last may still be in the pipe: the second turn comes after the loop has read what is there.
  await setImmediate();
  await setImmediate();
  for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  return end;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended in this moment.
  }
}

/** Returns a way to read the last characters of its stderr. */
function tailOf(child: ChildProcess): () => string {
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-MAX_STDERR);
  });
  return () => tail;
}

function failed(reason: string): Sent {
  return { outcome: 'failed', reason, retryAfterMs: null };
}

function reduced(env: CommandDeps['env']): Record<string, string> {
  const entries = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && PASSED.test(name) ? [[name, value] as const] : [],
  );
  return Object.fromEntries(entries);
}
