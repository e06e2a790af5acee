import { isatty } from 'node:tty';
import { cli } from './cli/program.ts';
import { EXIT, exitCodeOf } from './cli/exit.ts';
import { hintOf } from './cli/hints.ts';
import { InterruptedError, OutputError, TaskmirrorError } from './model/errors.ts';
import { createRedactor } from './platform/redact.ts';
import { complain, outlet } from './platform/terminal.ts';

/** After a signal, the longest time in ms until the process ends: work that hangs is given up. */
const DRAIN_MS = 4_500;

/** A process that lives longer than this, in ms, allocates enough to be worth tuning; a no-op sync exits sooner. */
const LONG_LIVED_MS = 250;

/** The signals that stop the work. */
const SIGNALS: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  ...(isDetached() ? [] : ['SIGHUP' as const]),
];

const controller = new AbortController();
const redactor = createRedactor();
/** What goes to a pipe or a file is for programs as well, and stays as it is. */
const stdout = outlet(process.stdout, () => !process.stdout.isTTY);
const stderr = outlet(process.stderr, () => false);

// Whatever this process makes, other users cannot read.
process.umask(0o077);
// Without a listener it would end the process.
if (!SIGNALS.includes('SIGHUP')) process.on('SIGHUP', () => {});
for (const name of SIGNALS) {
  process.on(name, () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(new InterruptedError(`interrupted by ${name}; what was committed stays`));
    setTimeout(() => process.exit(EXIT.interrupted), DRAIN_MS).unref();
  });
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough (`| head`) is no failure.
  if (error.code === 'EPIPE') return;
  fail(
    new OutputError('stdout_failed', {}, `the output cannot be written: ${error.message}`, { cause: error }),
  );
  // Not everything that prints waits for the outcome.
  process.exit();
});
// A closed or full stderr must not stop the run: the exit code still reports it.
process.stderr.on('error', () => {});

// Safety net: no exit code set means an internal error. It is not set before, since commander ends its help with it.
process.once('exit', () => {
  process.exitCode ??= EXIT.unexpected;
});

// An error that no promise carries to the command's end, such as one of a timer.
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
 * Makes V8 collect garbage sooner: a sync keeps next to nothing of a task, but holds it long enough to be taken for
 * lasting, and by itself V8 lets such a heap grow to many times of what is in use. Costs a tenth more CPU time. V8
 * looks at these flags whenever it collects or compiles, so they count from now on.
 */
function keepHeapSmall(): void {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  // Room for new objects stays as it is.
  setFlagsFromString('--semi-space-growth-factor=1');
  // With so little room, threads that share this work cost more than they save.
  setFlagsFromString('--no-parallel-scavenge');
  // What compiling took goes back to malloc where it came from: else threads keep some 5 MB of it for each other.
  setFlagsFromString('--no-maglev-destroy-on-background');
  // The next full collection comes when the heap has grown by so much since the last one.
  setFlagsFromString('--heap-growing-percent=40');
}

/**
 * Whether SIGHUP is ignored, as nohup and its like have it. Node sets what it inherits back to the default before any
 * of this runs (PlatformInit in node.cc), so it is told by what nohup leaves behind: a process without a terminal has
 * none to lose. Outside of Linux nohup leaves stdin as it is, but bash and zsh say in `_` what they ran.
 */
function isDetached(): boolean {
  return ![0, 1, 2].some(isatty) || process.env['_']?.endsWith('/nohup') === true;
}

/** Null where it was deleted: much goes on without it. */
function workingDirectory(): string | null {
  try {
    return process.cwd();
  } catch {
    return null;
  }
}

/** Says what went wrong and ends the process once all is written, whatever still runs in it: nobody waits for that. */
function fail(error: unknown): void {
  process.exitCode = exitCodeOf(error);
  if (error instanceof TaskmirrorError) {
    const hint = hintOf(error);
    complain(stderr, redactor.redact(error.message), hint === undefined ? hint : redactor.redact(hint));
  } else {
    complain(stderr, 'something unexpected went wrong; this is a bug. What was committed stays.');
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    stderr.write(`${redactor.redact(detail)}\n`);
  }
  stderr.write('', () => stdout.write('', () => process.exit()));
}
