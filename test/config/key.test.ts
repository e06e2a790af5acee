import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { resolveKey } from '../../src/config/key.ts';
import { type SecretContext, secretState } from '../../src/config/secret.ts';
import type { SecretReference } from '../../src/config/settings.ts';
import { UsageError } from '../../src/model/errors.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { folder } from './folder.ts';
import { told } from '../support/told.ts';

const KEY = 'sigmic_0123456789abcdef';

function resolved(apiKey: SecretReference, context: Partial<SecretContext> = {}) {
  const source = { name: 'work', baseUrl: 'https://x.example', apiKey };
  return resolveKey(source, {
    env: { PATH: process.env['PATH'] },
    cwd: context.cwd ?? folder(),
    signal: new AbortController().signal,
    clock: createFakeClock(),
    ...context,
  });
}

async function refusal(apiKey: SecretReference, context: Partial<SecretContext> = {}): Promise<UsageError> {
  const error: unknown = await resolved(apiKey, context).catch((reason: unknown) => reason);
  if (error instanceof UsageError) return error;
  throw new Error(`expected a UsageError, got ${String(error)}`);
}

describe('a key in an environment variable', () => {
  test('is taken as it is', async () => {
    expect(await resolved({ env: 'WORK_KEY' }, { env: { WORK_KEY: KEY } })).toEqual({
      value: KEY,
      origin: 'environment variable WORK_KEY',
      warnings: [],
    });
  });

  test('that is not set is an error that names source, variable and what to do', async () => {
    const error = await refusal({ env: 'WORK_KEY' }, { env: {} });
    expect(error.message).toBe('Source "work" has no usable key: environment variable WORK_KEY is not set.');
    expect(told(error).hint).toContain('Set WORK_KEY');
  });

  test.for([
    ['', 'is empty'],
    [`${KEY}\n`, 'holds a space, a line break'],
    [`${KEY} ${KEY}`, 'holds a space, a line break'],
    [`${KEY}\u00e9`, 'not plain ASCII'],
    [`sigmic_${'x'.repeat(9000)}`, 'holds more than 8192 characters'],
  ])('%j cannot be one', async ([value, problem]) => {
    const error = await refusal({ env: 'WORK_KEY' }, { env: { WORK_KEY: value } });
    expect(error.message).toContain(problem);
    expect(JSON.stringify([error.message, told(error).hint, error.stack])).not.toContain('0123456789');
  });

  test('that looks like something else is used, with a warning that does not repeat it', async () => {
    const { value, warnings } = await resolved({ env: 'WORK_KEY' }, { env: { WORK_KEY: 'something-else' } });
    expect(value).toBe('something-else');
    expect(warnings).toEqual([expect.stringContaining('neither sigmic_ nor eyJ')]);
    expect(warnings[0]).not.toContain('something-else');
    const jwt = await resolved({ env: 'WORK_KEY' }, { env: { WORK_KEY: 'eyJhbGciOiJIUzI1NiJ9.e30.x' } });
    expect(jwt.warnings).toEqual([]);
  });
});

function keyFile(content: string, mode = 0o600): string {
  const path = join(folder({ key: content }), 'key');
  chmodSync(path, mode);
  return path;
}

describe('a key in a file', () => {
  test.for(['', '\n', '\r\n'])('is taken without its line end %j', async (lineEnd) => {
    const file = keyFile(KEY + lineEnd);
    expect(await resolved({ file })).toEqual({ value: KEY, origin: `file ${file}`, warnings: [] });
  });

  test.for([0o604, 0o640])('that others can read is used, with a warning: mode %o', async (mode) => {
    const file = keyFile(KEY, mode);
    const { value, warnings } = await resolved({ file });
    expect(value).toBe(KEY);
    expect(warnings).toEqual([expect.stringContaining(`chmod 600 its file ${file}`)]);
  });

  test.for<[string, string]>([
    [`${KEY}\n${KEY}`, 'holds a space, a line break'],
    ['\n', 'is empty'],
    ['x'.repeat(64 * 1024 + 1), 'is larger than 64 KB'],
  ])('%.30j cannot be one', async ([content, problem]) => {
    const file = keyFile(content);
    const error = await refusal({ file });
    expect(error.message).toContain(`Source "work" has no usable key: file ${file} ${problem}`);
    expect(error.message).not.toContain(KEY);
  });

  test('that is missing or a folder is an error that names the file', async () => {
    const cwd = folder();
    const missing = await refusal({ file: 'no-key' }, { cwd });
    expect(missing.message).toContain(`file ${join(cwd, 'no-key')} does not exist`);
    expect((await refusal({ file: cwd })).message).toContain(`file ${cwd} is a directory`);
  });
});

describe('a key from a command', () => {
  test('is what a shell prints, with the environment and working directory that were given', async () => {
    const cwd = folder({ part: '0123456789abcdef' });
    const env = { PATH: process.env['PATH'], PREFIX: 'sigmic_' };
    const key = await resolved({ command: 'printf "%s" "$PREFIX"; cat part; echo' }, { cwd, env });
    expect(key).toEqual({ value: KEY, origin: 'command in apiKey.command', warnings: [] });
  });

  test('that fails is reported with its exit code, without the command or its output', async () => {
    const command = `echo plain-secret-1; echo "no luck with password plain-secret-2" >&2; exit 3`;
    const error = await refusal({ command });
    expect(error.message).toBe(
      'Source "work" has no usable key: command in apiKey.command failed with exit code 3.',
    );
    expect(JSON.stringify([error.message, told(error).hint, error.stack])).not.toMatch(
      /plain-secret|password/,
    );
    expect(told(error).hint).toContain('by hand');
    expect(error.cause).toBeUndefined();
  });

  test('that prints nothing, or too much, is an error', async () => {
    expect((await refusal({ command: 'true' })).message).toContain('is empty');
    const flood = await refusal({ command: "head -c 100000 /dev/zero | tr '\\0' x" });
    expect(flood.message).toContain('printed more than 64 KB');
  });

  test('that asks a question meets the end of its input', async () => {
    const error = await refusal({ command: 'read -r answer || exit 7' });
    expect(error.message).toContain('failed with exit code 7');
  });

  test('that hangs is given up after 30 s', async () => {
    const clock = createFakeClock();
    const cwd = folder();
    const refused = refusal({ command: 'exec sleep 600' }, { clock, cwd });
    expect(clock.timeouts).toEqual([30_000]);
    clock.expireTimeouts();
    expect((await refused).message).toContain('was still running after 30 s');
  });

  test('ends with the signal, and is not begun once that is aborted', async () => {
    const stop = new AbortController();
    const begun = resolved({ command: 'exec sleep 600' }, { signal: stop.signal });
    const reason = new Error('asked to stop');
    stop.abort(reason);
    await expect(begun).rejects.toBe(reason);

    const cwd = folder();
    const late = resolved({ command: 'touch begun' }, { signal: stop.signal, cwd });
    await expect(late).rejects.toBe(reason);
    expect(existsSync(join(cwd, 'begun'))).toBe(false);
  });
});

test('the state of a key is reported without running a command', () => {
  const cwd = folder({ key: KEY, empty: '\n' });
  const state = (apiKey: SecretReference) => secretState(apiKey, { env: { SET: KEY, EMPTY: '' }, cwd });
  expect(state({ env: 'SET' })).toBe('set');
  expect(state({ env: 'EMPTY' })).toBe('not set');
  expect(state({ env: 'UNSET' })).toBe('not set');
  expect(state({ file: 'key' })).toBe('set');
  expect(state({ file: 'empty' })).toBe('not set');
  expect(state({ file: 'missing' })).toBe('not set');
  expect(state({ command: 'touch begun' })).toBe('not run');
  expect(existsSync(join(cwd, 'begun'))).toBe(false);
});
