import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The cost of a process, from its start to its end. */
export interface Spent {
  wallMs: number;
  /** User and system time of all its threads, in us. */
  cpuUs: number;
  /** The most memory that it held at once. */
  peakBytes: number;
  /** See {@link writtenBytes}. */
  writtenBytes: number | null;
  stdout: string;
}

type Usage = Omit<Spent, 'wallMs' | 'stdout'>;

export interface Command {
  /** Arguments for this same Node. */
  args: readonly string[];
  /** All of its environment, besides PATH. */
  env?: Readonly<Record<string, string>>;
  /**
   * Ask for nothing else, so all other figures are 0 or null: the module that reports them costs start time.
   */
  onlyWall?: boolean;
}

/** A process that has not ended after this time, in ms, is given up. */
const LONGEST_MS = 20 * 60_000;
const STDERR_SHOWN = 2_000;

/**
 * A module that makes a process report its cost to its parent, by file descriptor 3. The kernel's VmHWM is
 * that of the program itself, while the peak of getrusage(2) would count the parent that forked it.
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
 * Returns the bytes that this process has handed to the kernel to write so far: `wchar` of proc(5); null if
 * the kernel does not count them (Linux does).
 *
 * The other counter, `write_bytes`, counts whole pages, or folios of up to 64 KB and more, that became dirty,
 * whatever part of them did, and the WAL's shared memory, which is deleted before it reaches a disk. On a
 * file that was read in folios it counted 200 KB for a quiet run, while `wchar` counted 26 KB, and the disk,
 * with its file system's own journal, 65 KB.
 */
export function writtenBytes(): number | null {
  try {
    return Number(/wchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
  } catch {
    return null;
  }
}

/** Runs a process to its end. Throws, with its last output, if it ends with another exit code than 0. */
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

/** Does each work in turn, `rounds` times (from 1), so that other work on the machine affects all of them. */
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
