import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The program as it is published, made by build.ts. */
export const MAIN = fileURLToPath(new URL('../../dist/src/main.cjs', import.meta.url));
/** A program that still runs after this time, in ms, is killed, and shows no exit code. */
const LONGEST_MS = 25_000;

export interface ProgramOptions {
  cwd: string;
  /** All of its environment, besides PATH, and HOME and TMPDIR in `cwd`. */
  env?: Record<string, string>;
  /** Arguments for node instead of the built program, flags first. */
  node?: readonly string[];
  /** Returns the command that starts node instead of this process, from its command line: `nohup`. */
  by?: (command: readonly string[]) => readonly [string, ...string[]];
  /** All of its stdin; empty by default. */
  input?: string;
}

export interface Ended {
  /** Null if a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Program {
  pid: number;
  /** The first line of stdout or stderr that matches. Rejects if the program ends without one. */
  line(pattern: RegExp): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Stops reading its stdout, as `head` does. */
  closeStdout(): void;
  /** Stops reading its stderr. */
  closeStderr(): void;
  /** Resolves when the process and its streams have ended. Never rejects. */
  ended: Promise<Ended>;
}

/** Runs the program to its end. */
export function runProgram(args: readonly string[], options: ProgramOptions): Promise<Ended> {
  return startProgram(args, options).ended;
}

/** Starts the program. It is killed at the end of the test at the latest. */
export function startProgram(
  args: readonly string[],
  { cwd, env, node = [MAIN], by = ([first = '', ...rest]) => [first, ...rest], input = '' }: ProgramOptions,
): Program {
  const [command, ...rest] = by([process.execPath, ...node, ...args]);
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, TMPDIR: cwd, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
  });
  // Most commands never read it.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const output = { stdout: '', stderr: '' };
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
    createInterface({ input: child[name] }).on('line', (line) => {
      lines.push(line);
      for (const look of waiting) look();
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });

  return {
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    closeStdout: () => void child.stdout.destroy(),
    closeStderr: () => void child.stderr.destroy(),
    ended,
    async line(pattern) {
      const found = Promise.withResolvers<string>();
      const look = (): void => {
        const line = lines.find((text) => pattern.test(text));
        if (line !== undefined) found.resolve(line);
      };
      waiting.add(look);
      look();
      const gone = ended.then(({ code, signal, stdout, stderr }) => {
        throw new Error(`ended (${code ?? signal}) without a line like ${pattern}:\n${stdout}${stderr}`);
      });
      try {
        return await Promise.race([found.promise, gone]);
      } finally {
        waiting.delete(look);
      }
    },
  };
}
