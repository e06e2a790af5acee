import type { ExecFileException } from 'node:child_process';
import type { UsageFacts } from '../model/error-facts.ts';
import { UsageError } from '../model/errors.ts';
import type { Clock } from '../model/clock.ts';
import { readBounded } from '../platform/bounded-file.ts';
import { absolutePath } from '../platform/paths.ts';
import type { Environment, KeyReference, SourceSettings } from './settings.ts';

const MAX_KILOBYTES = 64;
const MAX_KEY_LENGTH = 8192;
const COMMAND_TIMEOUT_SECONDS = 30;

export interface KeyContext {
  env: Environment;
  /**
   * The folder in which a command runs and a relative path starts (loaded file paths are already absolute).
   */
  cwd: string | null;
  signal: AbortSignal;
  /** For the time limit of a command; real time by default. */
  clock?: Pick<Clock, 'timeout'>;
}

export interface ResolvedKey {
  /** A secret: give it to the redactor before using it. */
  value: string;
  /** Where the key is kept, for errors: `environment variable SIGMIC_API_KEY`. */
  origin: string;
  /** Warnings for a person, although the key can be used. Holds no part of the key. */
  warnings: string[];
}

/**
 * Gets the key of a source: from an environment variable, from a file of at most 64 KB, or from the output of
 * a shell command within 30 s. Throws UsageError, naming source and setting but never the value, if there is
 * none or it cannot be a key; throws the signal's reason if that aborts a command.
 */
export async function resolveKey(source: SourceSettings, context: KeyContext): Promise<ResolvedKey> {
  const reference = source.apiKey;
  const origin = describeKey(reference, context.cwd);
  const found =
    'env' in reference
      ? fromEnvironment(reference.env, context)
      : 'file' in reference
        ? fromFile(reference.file, context)
        : await fromCommand(reference.command, context);
  const failure = 'failure' in found ? found.failure : keyProblem(found.text);
  if ('failure' in found || failure !== null) {
    throw new UsageError(
      'key_unusable',
      { source: source.name, ...placeOf(reference, context.cwd) },
      `Source "${source.name}" has no usable key: ${origin} ${failure}.`,
    );
  }

  const warnings: string[] = [];
  if (found.isShared === true) {
    warnings.push(
      `Other users of this machine can read the key of source "${source.name}": chmod 600 its ${origin}.`,
    );
  }
  if (!/^(?:sigmic_|eyJ)/.test(found.text)) {
    warnings.push(
      `The key of source "${source.name}" (${origin}) begins with neither sigmic_ nor eyJ: it may not be a key.`,
    );
  }
  return { value: found.text, origin, warnings };
}

/** Describes where a key is kept. A command is not repeated: it may hold secrets of its own. */
export function describeKey(reference: KeyReference, cwd: string | null): string {
  if ('env' in reference) return `environment variable ${reference.env}`;
  return 'file' in reference ? `file ${absolutePath(cwd, reference.file)}` : 'command in apiKey.command';
}

/** Returns whether there is something where the key should be, without running a command. */
export function keyState(reference: KeyReference, context: Pick<KeyContext, 'env' | 'cwd'>): KeyState {
  if ('command' in reference) return 'not run';
  const found =
    'env' in reference ? fromEnvironment(reference.env, context) : fromFile(reference.file, context);
  return 'failure' in found || found.text === '' ? 'not set' : 'set';
}

export type KeyState = 'set' | 'not set' | 'not run';

type Found = { text: string; isShared?: boolean } | { failure: string };

function fromEnvironment(variable: string, { env }: Pick<KeyContext, 'env'>): Found {
  const text = env[variable];
  return text === undefined ? { failure: 'is not set' } : { text };
}

function fromFile(path: string, { cwd }: Pick<KeyContext, 'cwd'>): Found {
  const file = readBounded(absolutePath(cwd, path), MAX_KILOBYTES);
  return 'failure' in file ? file : { text: withoutLineEnd(file.text), isShared: file.isShared };
}

async function fromCommand(command: string, context: KeyContext): Promise<Found> {
  context.signal.throwIfAborted();
  const timeoutMs = COMMAND_TIMEOUT_SECONDS * 1000;
  const timeout = context.clock?.timeout(timeoutMs) ?? AbortSignal.timeout(timeoutMs);
  const { error, stdout } = await runShell(command, context, AbortSignal.any([context.signal, timeout]));
  context.signal.throwIfAborted();
  if (error === null) return { text: withoutLineEnd(stdout) };
  return {
    failure: timeout.aborted ? `was still running after ${COMMAND_TIMEOUT_SECONDS} s` : exitOf(error),
  };
}

interface ShellResult {
  error: ExecFileException | null;
  stdout: string;
}

async function runShell(
  command: string,
  { env, cwd }: KeyContext,
  signal: AbortSignal,
): Promise<ShellResult> {
  // Most keys need no command, and no start should wait for the module that runs one.
  const { execFile } = await import('node:child_process');
  const options = {
    env,
    cwd: cwd ?? undefined,
    signal,
    maxBuffer: MAX_KILOBYTES * 1024,
    killSignal: 'SIGKILL',
  } as const;
  return new Promise((done) => {
    const child = execFile('sh', ['-c', command], options, (error, stdout) => done({ error, stdout }));
    // A command that asks a question reads the end of its input instead of waiting for the timeout.
    child.stdin?.end();
  });
}

/** Uses codes only: the command, the error's message (which repeats it) and the output may hold secrets. */
function exitOf(error: ExecFileException): string {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `printed more than ${MAX_KILOBYTES} KB`;
  if (typeof error.code === 'number') return `failed with exit code ${error.code}`;
  return typeof error.signal === 'string'
    ? `was ended by ${error.signal}`
    : `could not be started (${error.code})`;
}

function withoutLineEnd(text: string): string {
  return text.replace(/(?:\r?\n)+$/, '');
}

function keyProblem(text: string): string | null {
  if (text === '') return 'is empty';
  if (text.length > MAX_KEY_LENGTH) return `holds more than ${MAX_KEY_LENGTH} characters`;
  return /^[!-~]+$/.test(text) ? null : 'holds a space, a line break or a character that is not plain ASCII';
}

function placeOf(
  reference: KeyReference,
  cwd: string | null,
): Pick<UsageFacts['key_unusable'], 'kind' | 'place'> {
  if ('env' in reference) return { kind: 'env', place: reference.env };
  if ('file' in reference) return { kind: 'file', place: absolutePath(cwd, reference.file) };
  return { kind: 'command', place: null };
}
