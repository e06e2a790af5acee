import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeSettings } from '../../src/cli/commands/config.ts';
import { load, problemsOf } from './folder.ts';

const URL = 'postgres://me@db.example/tasks';
const SECRET = 'postgres://me:hidden@db.example/tasks';

describe('the URL of a database', () => {
  test('is left as it is, wherever it comes from', async () => {
    expect((await load({ database: URL })).settings.database).toBe(URL);
    expect((await load(undefined, { env: { TASKMIRROR_DB: URL } })).settings.database).toBe(URL);
    expect((await load(undefined, { flags: { db: URL } })).settings.database).toBe(URL);
    expect((await load({ database: 'x', sync: {} }, { flags: { db: URL } })).settings.database).toBe(URL);
  });

  test('names its file of authorities from the folder of what holds it', async () => {
    const url = `${URL}?sslrootcert=ca.pem`;
    const inFile = await load({ database: url, queryDatabase: url });
    expect(inFile.settings.database).toBe(`${URL}?sslrootcert=${join(inFile.cwd, 'ca.pem')}`);
    expect(inFile.settings.queryDatabase).toBe(inFile.settings.database);
    const byFlag = await load(undefined, { flags: { db: url } });
    expect(byFlag.settings.database).toBe(`${URL}?sslrootcert=${join(byFlag.cwd, 'ca.pem')}`);
  });

  test('with a password is refused in a file and in a flag, and nothing quotes it', async () => {
    const inFile = await problemsOf({ database: SECRET, queryDatabase: SECRET, databasePassword: 'hidden' });
    expect(inFile).toEqual([
      expect.stringMatching(/^database in file .* holds a password: .*databasePassword/),
      expect.stringMatching(/^queryDatabase in file .* holds a password/),
      expect.stringMatching(/^databasePassword in file .*: expected one of .*never the password itself/),
    ]);
    const byFlag = await problemsOf(undefined, { flags: { db: SECRET } });
    expect(byFlag).toEqual([expect.stringMatching(/^flag --db holds a password: others .* TASKMIRROR_DB/)]);
    expect(JSON.stringify([inFile, byFlag])).not.toContain('hidden');
  });

  test('with a password is taken from a variable, and the settings have it no more', async () => {
    for (const variable of ['TASKMIRROR_DB', 'TASKMIRROR_DATABASE']) {
      const env = { [variable]: SECRET, TASKMIRROR_QUERY_DATABASE: SECRET };
      const loaded = await load(undefined, { env });
      expect(loaded.settings).toMatchObject({ database: URL, queryDatabase: URL });
      expect(JSON.stringify(describeSettings(loaded, { env, cwd: loaded.cwd }))).not.toContain('hidden');
    }
  });

  test.each([
    [
      'postgers://me:hidden@db.example/tasks',
      'expected the path of a file, or postgres://USER@HOST:PORT/DATABASE',
    ],
    [
      'mysql://me:hidden@db.example/tasks',
      'expected the path of a file, or postgres://USER@HOST:PORT/DATABASE',
    ],
    ['postgres:/me:hidden@db.example/tasks', 'Write it as postgres://USER@HOST:PORT/DATABASE.'],
    ['host=db.example dbname=tasks password=hidden', 'Write it as postgres://USER@HOST:PORT/DATABASE.'],
    ['postgres://me:hid/den@db.example/tasks', 'must be percent-encoded'],
    ['postgres://me:hidden@db.example/tasks?sslmode=prefer', 'goes on in the clear'],
  ])('that is wrong is not quoted: %s', async (url, problem) => {
    const problems = [
      await problemsOf({ database: url }),
      await problemsOf(undefined, { env: { TASKMIRROR_DB: url } }),
      await problemsOf(undefined, { flags: { db: url } }),
    ];
    expect(problems).toEqual([1, 2, 3].map(() => [expect.stringContaining(problem)]));
    expect(JSON.stringify(problems)).not.toContain('hid');
  });
});

describe('where the password is kept', () => {
  test('is a variable that holds it, a file from the folder of the settings, or a command', async () => {
    const { settings, cwd } = await load({
      database: URL,
      databasePassword: { file: 'pw' },
      queryDatabase: URL,
      queryDatabasePassword: { command: 'pass show db' },
    });
    expect(settings.databasePassword).toEqual({ file: join(cwd, 'pw') });
    expect(settings.queryDatabasePassword).toEqual({ command: 'pass show db' });
    const env = { TASKMIRROR_DATABASE_PASSWORD: 'hidden' };
    expect((await load(undefined, { env })).settings.databasePassword).toEqual({
      env: 'TASKMIRROR_DATABASE_PASSWORD',
    });
  });

  test('is shown by config show in one line each, without secrets', async () => {
    const env = { TASKMIRROR_DATABASE_PASSWORD: 'hidden' };
    const loaded = await load(
      { database: URL, queryDatabase: URL, queryDatabasePassword: { command: 'hidden' } },
      { env },
    );
    const { settings } = describeSettings(loaded, { env, cwd: loaded.cwd });
    expect(settings.filter(({ setting }) => /password/i.test(setting))).toEqual([
      {
        setting: 'databasePassword',
        value: { env: 'TASKMIRROR_DATABASE_PASSWORD' },
        origin: { kind: 'environment', variable: 'TASKMIRROR_DATABASE_PASSWORD' },
        key: 'set',
      },
      expect.objectContaining({
        setting: 'queryDatabasePassword',
        value: { command: '[not shown]' },
        key: 'not run',
      }),
    ]);
    expect(JSON.stringify(settings)).not.toContain('hidden');
  });
});

describe('the database to query', () => {
  test('has to be PostgreSQL, and so has the database', async () => {
    expect(await problemsOf({ database: URL, queryDatabase: 'x.db' })).toEqual([
      expect.stringMatching(/^queryDatabase in .* is "x.db": expected postgres:/),
    ]);
    expect(await problemsOf({ database: 'x.db', queryDatabase: URL })).toEqual([
      expect.stringMatching(/^queryDatabase in .* is another way to the database/),
    ]);
    expect((await load({ database: 'x.db', queryDatabase: null })).settings.queryDatabase).toBeNull();
  });

  test('is not that of the file if the database is not', async () => {
    const file = { database: URL, queryDatabase: 'postgres://reader@db.example/tasks' };
    const { settings, origins } = await load(file, { flags: { db: 'other.db' } });
    expect(settings.queryDatabase).toBeNull();
    expect(origins.get('queryDatabase')).toEqual({ kind: 'flag', flag: '--db' });
    const env = { TASKMIRROR_DB: 'postgres://me@other/tasks' };
    expect((await load(file, { env })).settings.queryDatabase).toBeNull();
    expect((await load(file)).settings.queryDatabase).toBe(file.queryDatabase);
  });
});

test('the name of a schema is one that SQL need not quote', async () => {
  expect((await load({ schema: 'mirror_2' })).settings.schema).toBe('mirror_2');
  for (const schema of ['Mirror', 'a-b', 'pg_mirror', 'x"; drop schema y', 'a'.repeat(64), '']) {
    expect(await problemsOf({ schema })).toEqual([expect.stringContaining('expected at most 63 lower-case')]);
  }
});
