import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/src/main.cjs', import.meta.url));
const PRELOAD = fileURLToPath(new URL('preload.ts', import.meta.url));
/** A program that takes longer than this, in ms, hangs; it is ended by a signal that no attack uses. */
const LONGEST_MS = 25_000;

/** How a run of the program is to go wrong. */
export type Attack =
  /** SIGKILL at a step of its work on the database: see preload.ts. */
  | { kind: 'step'; at: string }
  /** SIGKILL from outside: this many turns of our event loop after that request came in; 0: while it is in flight. */
  | { kind: 'request'; number: number; turns: number }
  /** It dies inside the write by which a file would grow beyond this many blocks of 512 bytes. */
  | { kind: 'torn'; blocks: number }
  /** No file may grow beyond this many blocks of 512 bytes: that write fails with EFBIG. */
  | { kind: 'limit'; blocks: number }
  /** The disk has only this much space left, in KB: writes beyond it fail with ENOSPC. Needs a small disk. */
  | { kind: 'space'; kilobytes: number };

export interface Victim {
  pid: number;
  kill(): void;
  /** Resolves when the process and its streams have ended. */
  ended: Promise<Ended>;
}

export interface Ended {
  /** Null where a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Whether `sh` can limit the size of files (POSIX `ulimit -f`, in blocks of 512 bytes): not on Windows. */
export const CAN_LIMIT_FILES = process.platform !== 'win32';

/** Starts the built program in `cwd`, under attack; what comes from outside (`request`, `space`) is the caller's to do. */
export function startVictim(
  args: readonly string[],
  { cwd, env, attack }: { cwd: string; env: Record<string, string>; attack: Attack },
): Victim {
  const orders = ordersOf(attack);
  const preload = orders === null ? [] : ['--import', PRELOAD];
  const node = [process.execPath, ...preload, MAIN, ...args];
  const [command = '', ...rest] =
    attack.kind === 'torn' || attack.kind === 'limit'
      ? ['sh', '-c', `ulimit -c 0; ulimit -f ${attack.blocks}; exec "$0" "$@"`, ...node]
      : node;
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, TMPDIR: cwd, ...env, ...orders },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LONGEST_MS,
    killSignal: 'SIGABRT',
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  return { pid: child.pid ?? 0, kill: () => void child.kill('SIGKILL'), ended };
}

/** What preload.ts is told; null where it is not needed. */
function ordersOf(attack: Attack): Record<string, string> | null {
  if (attack.kind === 'step') return { CRASH_AT: attack.at };
  return attack.kind === 'torn' ? { CRASH_TORN: '1' } : null;
}
