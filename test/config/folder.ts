import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import type { LoadedSettings, SettingsInput } from '../../src/config/settings.ts';
import { UsageError } from '../../src/model/errors.ts';

/** An empty folder that lasts as long as the test. */
export function folder(files: Record<string, unknown> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'taskmirror-config-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  for (const [name, content] of Object.entries(files)) write(path, name, content);
  return path;
}

/** Writes text as it is, anything else as JSON. */
export function write(path: string, name: string, content: unknown): void {
  writeFileSync(join(path, name), typeof content === 'string' ? content : JSON.stringify(content));
}

/** Loads settings in a working directory that holds nothing but the given settings file. */
export async function load(
  file?: unknown,
  input: Partial<SettingsInput> = {},
): Promise<LoadedSettings & { cwd: string }> {
  const cwd = input.cwd ?? folder(file === undefined ? {} : { 'taskmirror.config.json': file });
  return { ...(await loadSettings({ env: {}, flags: {}, ...input, cwd })), cwd };
}

/** The problems that loading reports, one text each. Fails where there are none. */
export async function problemsOf(file?: unknown, input: Partial<SettingsInput> = {}): Promise<string[]> {
  return linesOf(await usageError(() => load(file, input)));
}

export function linesOf(error: UsageError): string[] {
  return error.message.split('\n- ').slice(1);
}

export async function usageError(act: () => unknown): Promise<UsageError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
