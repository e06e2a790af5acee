import { isatty } from 'node:tty';
import { cli } from './cli/program.ts';
import { EXIT, exitCodeOf } from './cli/exit.ts';
import { hintOf } from './cli/hints.ts';
import { InterruptedError, OutputError, TaskmirrorError } from './model/errors.ts';
import { createRedactor } from './platform/redact.ts';
import { complain, outlet } from './platform/terminal.ts';

/** Maximum time in ms from a signal to the end of the process: work that hangs is abandoned. */
const DRAIN_MS = 4_500;

/** A process older than this, in ms, allocates enough to be worth tuning; a no-op sync exits sooner. */
const LONG_LIVED_MS = 250;

/** The signals that stop the work. */
const SIGNALS: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  ...(isDetached() ? [] : ['SIGHUP' as const]),
];

const controller = new AbortController();
const redactor = createRedactor();
/** Output to a pipe or a file is for programs too, and stays as it is. */
const stdout = outlet(process.stdout, () => !process.stdout.isTTY);
const stderr = outlet(process.stderr, () => false);

// Other users cannot read the files that this process creates.
process.umask(0o077);
// Without a listener SIGHUP would end the process.
if (!SIGNALS.includes('SIGHUP')) process.on('SIGHUP', () => {});
for (const name of SIGNALS) {
  process.on(name, () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(new InterruptedError(`interrupted by ${name}; committed data stays`));
    setTimeout(() => process.exit(EXIT.interrupted), DRAIN_MS).unref();
  });
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that closes the pipe early (`| head`) is not a failure.
  if (error.code === 'EPIPE') return;
  fail(
    new OutputError('stdout_failed', {}, `the output cannot be written: ${error.message}`, { cause: error }),
  );
  // Some code prints without waiting for the outcome.
  process.exit();
});
// A closed or full stderr must not stop the run: the exit code still reports it.
process.stderr.on('error', () => {});

// Safety net: no exit code set means an internal error. It is set only here, since commander exits its help
// with it.
process.once('exit', () => {
  process.exitCode ??= EXIT.unexpected;
});

// Errors that no promise carries to the command's end, such as one of a timer.
process.on('uncaughtException', fail);

setTimeout(keepHeapSmall, LONG_LIVED_MS).unref();

void main();

async function main(): Promise<void> {
  try {
    process.exitCode = await cli(process.argv.slice(2), {
      io: { stdout, stderr, env: process.env, cwd: workingDirectory() },
      signal: controller.signal,
      redactor,
      stdin: () => process.stdin,
      program: [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)],
      useDefaultSignals() {
        for (const name of SIGNALS) process.removeAllListeners(name);
      },
    });
  } catch (error) {
    fail(error);
  }
}

/**
 * Makes V8 collect garbage sooner. A sync keeps almost nothing of a task, but holds it long enough that V8
 * promotes it, and by default V8 lets such a heap grow to many times of what is in use. Costs a tenth more
 * CPU time. V8 reads these flags whenever it collects or compiles, so they apply from now on.
 */
function keepHeapSmall(): void {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  // The space for new objects keeps its size.
  setFlagsFromString('--semi-space-growth-factor=1');
  // In so little space, threads that share this work cost more than they save.
  setFlagsFromString('--no-parallel-scavenge');
  // Memory of compilations is freed in the thread that allocated it: else threads keep some 5 MB of it for
  // each other.
  setFlagsFromString('--no-maglev-destroy-on-background');
  // The next full collection comes when the heap has grown by 40 % since the last one.
  setFlagsFromString('--heap-growing-percent=40');
}

/**
 * Returns whether SIGHUP was ignored at the start, as by nohup. Node resets inherited signals to the default
 * before any of this runs (PlatformInit in node.cc), so this looks at nohup's traces: a process without a
 * terminal has none to lose. Outside of Linux nohup leaves stdin as it is, but bash and zsh put the program
 * that they ran into `_`.
 */
function isDetached(): boolean {
  return ![0, 1, 2].some(isatty) || process.env['_']?.endsWith('/nohup') === true;
}

/** Returns null if the directory was deleted: much works without it. */
function workingDirectory(): string | null {
  try {
    return process.cwd();
  } catch {
    return null;
  }
}

/**
 * Reports the error and ends the process once all output is written, without waiting for work that still
 * runs.
 */
function fail(error: unknown): void {
  process.exitCode = exitCodeOf(error);
  if (error instanceof TaskmirrorError) {
    const hint = hintOf(error);
    complain(stderr, redactor.redact(error.message), hint === undefined ? hint : redactor.redact(hint));
  } else {
    complain(stderr, 'something unexpected went wrong; this is a bug. Committed data stays.');
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    stderr.write(`${redactor.redact(detail)}\n`);
  }
  stderr.write('', () => stdout.write('', () => process.exit()));
}
