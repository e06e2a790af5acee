import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a process cost, from its start to its end. */
export interface Spent {
  wallMs: number;
  /** User and system time of all its threads, in us. */
  cpuUs: number;
  /** The most memory that it held at once. */
  peakBytes: number;
  /** As {@link writtenBytes} has it. */
  writtenBytes: number | null;
  stdout: string;
}

type Usage = Omit<Spent, 'wallMs' | 'stdout'>;

export interface Command {
  /** Arguments for this same Node. */
  args: readonly string[];
  /** All of its environment, beside PATH. */
  env?: Readonly<Record<string, string>>;
  /** Ask the process for nothing more, so that all else is 0 or null: the module that tells it costs some ms at its start. */
  onlyWall?: boolean;
}

/** A process that has not ended after this time, in ms, is given up. */
const LONGEST_MS = 20 * 60_000;
const STDERR_SHOWN = 2_000;

/**
 * Loaded into a process to tell its parent, by file descriptor 3, what it cost. The kernel's VmHWM is of the program
 * itself, where the peak of getrusage(2) would count the parent that forked it.
 */
const TELLTALE = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync, writeSync } from 'node:fs';
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    let peak = maxRSS;
    let writtenBytes = null;
    try {
      peak = Number(/VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      writtenBytes = Number(/wchar: (\\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))[1]);
    } catch {}
    const cpuUs = userCPUTime + systemCPUTime;
    writeSync(3, JSON.stringify({ cpuUs, peakBytes: peak * 1024, writtenBytes }));
  });`)}`;

/**
 * Bytes that this process has handed to the kernel to write so far: `wchar` of proc(5); null where the kernel does not
 * count them (it does on Linux).
 *
 * The other counter, `write_bytes`, counts whole pages, or folios of up to 64 KB and more, that became dirty, whatever
 * part of them, and the WAL's shared memory, which is deleted before it reaches a disk: on a file that was read in
 * folios a quiet run counted 200 KB by it, where `wchar` said 26 KB, and the disk, with its file system's own journal, 65 KB.
 */
export function writtenBytes(): number | null {
  try {
    return Number(/wchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
  } catch {
    return null;
  }
}

/** Runs a process to its end. Throws, with what it said last, where it ends with anything but exit code 0. */
export async function spend({ args, env, onlyWall = false }: Command): Promise<Spent> {
  const telltale = onlyWall ? [] : ['--import', TELLTALE];
  const began = performance.now();
  const child = spawn(process.execPath, [...telltale, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
  });
  const output = ['', '', '', ''];
  for (const fd of [1, 2, 3] as const) {
    child.stdio[fd]?.on('data', (chunk: Buffer) => (output[fd] += chunk.toString()));
  }
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  let wallMs = 0;
  child.once('exit', () => (wallMs = performance.now() - began));
  child.once('error', reject);
  child.once('close', (code, signal) => {
    if (code === 0) resolve();
    else
      reject(
        new Error(`${args.join(' ')}: ${signal ?? `exit code ${code}`}\n${output[2]?.slice(-STDERR_SHOWN)}`),
      );
  });
  await ended;
  const [, stdout = '', , told = ''] = output;
  const nothing: Usage = { cpuUs: 0, peakBytes: 0, writtenBytes: null };
  const usage: Usage = onlyWall ? nothing : JSON.parse(told);
  return { wallMs, stdout, ...usage };
}

/** Does each work in turn, `rounds` times over (from 1), so that what else the machine does meets all of them. */
export async function alternate<Results extends Record<string, unknown>>(
  rounds: number,
  works: { [Name in keyof Results]: (round: number) => Promise<Results[Name]> },
): Promise<{ [Name in keyof Results]: Results[Name][] }> {
  const names = Object.keys(works) as (keyof Results)[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as {
    [Name in keyof Results]: Results[Name][];
  };
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) results[name].push(await works[name](round));
  }
  return results;
}
