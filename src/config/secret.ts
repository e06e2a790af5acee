import type { ExecFileException } from 'node:child_process';
import type { Clock } from '../model/clock.ts';
import { readBounded } from '../platform/bounded-file.ts';
import { absolutePath } from '../platform/paths.ts';
import type { Environment, SecretReference } from './settings.ts';

const MAX_KILOBYTES = 64;

export interface SecretContext {
  env: Environment;
  /**
   * The folder in which a command runs and a relative path starts (loaded file paths are already absolute).
   */
  cwd: string | null;
  signal: AbortSignal;
  /** For the time limit of a command; real time by default. */
  clock?: Pick<Clock, 'timeout'>;
}

/** A secret, without the line end after it, or words that follow the description of its place. */
export type Found = { text: string; isShared?: boolean } | { failure: string };

/**
 * Gets a secret from where it is kept: an environment variable, a file of at most 64 KB, or the output of a
 * shell command within `timeoutSeconds`. Never throws the secret; throws the signal's reason if that aborts a
 * command. `isShared`: other users of this machine can read the file.
 */
export async function findSecret(
  reference: SecretReference,
  context: SecretContext,
  timeoutSeconds: number,
): Promise<Found> {
  if ('command' in reference) return fromCommand(reference.command, context, timeoutSeconds);
  return 'env' in reference ? fromEnvironment(reference.env, context) : fromFile(reference.file, context);
}

/**
 * Describes where the secret of a setting is kept. A command is not repeated: it may hold secrets of its own.
 */
export function describeSecret(setting: string, reference: SecretReference, cwd: string | null): string {
  if ('env' in reference) return `environment variable ${reference.env}`;
  return 'file' in reference ? `file ${absolutePath(cwd, reference.file)}` : `command in ${setting}.command`;
}

export type SecretState = 'set' | 'not set' | 'not run';

/** Returns whether there is something where a secret should be, without running a command. */
export function secretState(
  reference: SecretReference,
  context: Pick<SecretContext, 'env' | 'cwd'>,
): SecretState {
  if ('command' in reference) return 'not run';
  const found =
    'env' in reference ? fromEnvironment(reference.env, context) : fromFile(reference.file, context);
  return 'failure' in found || found.text === '' ? 'not set' : 'set';
}

/** Where a secret is kept, for programs. `place`: null for a command. */
export interface SecretPlace {
  kind: 'env' | 'file' | 'command';
  place: string | null;
}

export function placeOfSecret(reference: SecretReference, cwd: string | null): SecretPlace {
  if ('env' in reference) return { kind: 'env', place: reference.env };
  if ('file' in reference) return { kind: 'file', place: absolutePath(cwd, reference.file) };
  return { kind: 'command', place: null };
}

function fromEnvironment(variable: string, { env }: Pick<SecretContext, 'env'>): Found {
  const text = env[variable];
  return text === undefined ? { failure: 'is not set' } : { text };
}

function fromFile(path: string, { cwd }: Pick<SecretContext, 'cwd'>): Found {
  const file = readBounded(absolutePath(cwd, path), MAX_KILOBYTES);
  return 'failure' in file ? file : { text: withoutLineEnd(file.text), isShared: file.isShared };
}

async function fromCommand(command: string, context: SecretContext, timeoutSeconds: number): Promise<Found> {
  context.signal.throwIfAborted();
  const timeoutMs = timeoutSeconds * 1000;
  const timeout = context.clock?.timeout(timeoutMs) ?? AbortSignal.timeout(timeoutMs);
  const { error, stdout } = await runShell(command, context, AbortSignal.any([context.signal, timeout]));
  context.signal.throwIfAborted();
  if (error === null) return { text: withoutLineEnd(stdout) };
  return {
    failure: timeout.aborted ? `was still running after ${timeoutSeconds} s` : exitOf(error),
  };
}

interface ShellResult {
  error: ExecFileException | null;
  stdout: string;
}

async function runShell(
  command: string,
  { env, cwd }: SecretContext,
  signal: AbortSignal,
): Promise<ShellResult> {
  // Most secrets need no command, and no start should wait for the module that runs one.
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
