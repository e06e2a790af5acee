import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { plainSettings, readSettings } from '../../src/config/plain.ts';
import type { SettingsInput } from '../../src/config/settings.ts';
import { UsageError } from '../../src/errors.ts';
import { folder } from './folder.ts';

const KEY = { SIGMIC_API_KEY: 'sigmic_x' };

const input = (part: Partial<SettingsInput>, files = {}): SettingsInput => ({
  env: {},
  flags: {},
  cwd: folder(files),
  ...part,
});

test.each<[string, Partial<SettingsInput>]>([
  ['nothing', {}],
  ['a key', { env: KEY }],
  ['an empty key', { env: { SIGMIC_API_KEY: '' } }],
  ['a key and a base URL', { env: { ...KEY, SIGMIC_BASE_URL: 'http://127.0.0.1:8080/api/' } }],
  ['a key and an empty base URL', { env: { ...KEY, SIGMIC_BASE_URL: '' } }],
  ['a base URL without a key', { env: { SIGMIC_BASE_URL: 'https://example.com' } }],
  ['a database', { env: KEY, flags: { db: 'mirror.db' } }],
  ['a database by its absolute path', { flags: { db: '/tmp/mirror.db' } }],
])('whoever sets %s gets without the schema what it would give', (_, part) => {
  const given = input(part);
  const plain = plainSettings(given);
  const checked = loadSettings(given);
  expect(plain).toEqual(checked);
  // "config show" prints them in this order.
  expect([...(plain?.origins ?? [])]).toEqual([...checked.origins]);
  expect(JSON.stringify(plain?.settings)).toBe(JSON.stringify(checked.settings));
});

test.each<[string, Partial<SettingsInput>, object?]>([
  ['a settings file', {}, { 'taskmirror.config.json': {} }],
  ['a broken settings file', {}, { 'taskmirror.config.json': '{' }],
  ['a named settings file', { flags: { config: 'mine.json' } }, { 'mine.json': {} }],
  ['a settings file named by a variable', { env: { TASKMIRROR_CONFIG: 'a.json' } }, { 'a.json': {} }],
  ['a setting in a variable', { env: { TASKMIRROR_SYNC_PAGE_SIZE: '50' } }],
  ['a misspelt variable', { env: { TASKMIRROR_DATABSE: 'x' } }],
  ['a wrong base URL', { env: { ...KEY, SIGMIC_BASE_URL: 'http://example.com' } }],
  ['an empty name for the database', { flags: { db: '' } }],
  ['a name for the database that is too long', { flags: { db: 'x'.repeat(5_000) } }],
])('%s is left to the schema', async (_, part, files) => {
  const given = input(part, files);
  expect(plainSettings(given)).toBeNull();
  expect(await outcomeOf(async () => readSettings(given))).toEqual(
    await outcomeOf(async () => loadSettings(given)),
  );
});

/** What comes back, or the words of a UsageError. */
async function outcomeOf(read: () => Promise<unknown>): Promise<unknown> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}
