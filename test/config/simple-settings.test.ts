import { expect, test } from 'vitest';
import { checkedSettings } from '../../src/config/check.ts';
import { completed } from '../../src/config/with-defaults.ts';
import type { Draft } from '../../src/config/draft.ts';
import { overlayDefaultSource, overlayFlags } from '../../src/config/overlays.ts';
import { plainSettings } from '../../src/config/simple-settings.ts';

const KEY = { SIGMIC_API_KEY: 'sigmic_x' };

interface Given {
  env?: Record<string, string>;
  db?: string;
  /** What the settings file holds. */
  file?: Record<string, unknown>;
}

function draftOf({ env = {}, db, file }: Given): Draft {
  const draft: Draft = {
    values: { ...file },
    overlaid: new Map(),
    file: file === undefined ? null : '/c.json',
  };
  overlayDefaultSource(draft, env);
  overlayFlags(draft, { db });
  return draft;
}

test.each<[string, Given]>([
  ['nothing', {}],
  ['a key', { env: KEY }],
  ['an empty key', { env: { SIGMIC_API_KEY: '' } }],
  ['a key and a base URL', { env: { ...KEY, SIGMIC_BASE_URL: 'http://127.0.0.1:8080/api/' } }],
  ['a key and an empty base URL', { env: { ...KEY, SIGMIC_BASE_URL: '' } }],
  ['a base URL without a key', { env: { SIGMIC_BASE_URL: 'https://example.com' } }],
  ['a database', { env: KEY, db: 'mirror.db' }],
  ['a database by its absolute path', { db: '/tmp/mirror.db' }],
  ['a database in a settings file', { env: KEY, file: { database: 'mirror.db' } }],
  ['a key beside a file without sources', { env: KEY, file: { sources: [] } }],
])('a draft with %s gets the same settings without the schema', (_, given) => {
  const draft = draftOf(given);
  const plain = plainSettings(draft);
  if (plain === null) throw new Error('was left to the schema');
  const [quick, checked] = [plain, checkedSettings(draft, [])].map((values) =>
    completed(values, draft, '/home/me'),
  );
  expect(quick).toEqual(checked);
  // "config show" prints them in this order.
  expect([...(quick?.origins ?? [])]).toEqual([...(checked?.origins ?? [])]);
  expect(JSON.stringify(quick?.settings)).toBe(JSON.stringify(checked?.settings));
});

test.each<[string, Given]>([
  ['a setting of its own', { file: { timezone: 'UTC' } }],
  ['a source of its own', { env: KEY, file: { sources: [{ name: 'work', apiKey: { env: 'WORK_KEY' } }] } }],
  ['a name that is no setting', { file: { databse: 'x' } }],
  ['a name that every object has', { file: JSON.parse('{"__proto__": {"database": "x"}}') }],
  ['sources that are no list', { env: KEY, file: { sources: 'default' } }],
  ['a wrong base URL', { env: { ...KEY, SIGMIC_BASE_URL: 'http://example.com' } }],
  ['an empty name for the database', { db: '' }],
  ['a name for the database that is too long', { db: 'x'.repeat(5_000) }],
  ['a database that is no text', { file: { database: 5 } }],
  ['a name for the database with a control character', { db: 'x.db\r' }],
  ['a name for the database that ends in a space', { db: 'x.db ' }],
])('%s is left to the schema', (_, given) => {
  expect(plainSettings(draftOf(given))).toBeNull();
});
