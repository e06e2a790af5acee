import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { resolveTarget, type TargetContext } from '../../src/config/postgres.ts';
import type { SettingsInput } from '../../src/config/settings.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { folder, load, usageError } from './folder.ts';

const URL = 'postgres://me@db.example/tasks';
const READER = 'postgres://reader@db.example/tasks';

interface Found {
  password: string | null;
  secrets: string[];
  warnings: string[];
}

/** The password that settings lead to, and what is said on the way. */
async function found(
  file: unknown,
  {
    env = {},
    flags = {},
    cwd = folder(),
    toQuery = false,
  }: Partial<Omit<SettingsInput, 'cwd'>> & { cwd?: string; toQuery?: boolean } = {},
): Promise<Found> {
  const { settings } = await load(file, { env, flags });
  const secrets: string[] = [];
  const warnings: string[] = [];
  const context: TargetContext = {
    env: { PATH: process.env['PATH'], ...env },
    cwd,
    signal: new AbortController().signal,
    clock: createFakeClock(),
    redactor: { add: (secret) => void secrets.push(secret) },
    warn: (text) => void warnings.push(text),
  };
  const target = await resolveTarget(settings, context, { toQuery });
  expect(JSON.stringify(target)).not.toContain('hidden');
  return { password: (await target.password?.()) ?? null, secrets, warnings };
}

function pgpass(text: string, mode = 0o600): string {
  const path = join(folder({ pgpass: text }), 'pgpass');
  chmodSync(path, mode);
  return path;
}

describe('the password of the database', () => {
  test.each<[string, unknown, SettingsInput['env'], string | null]>([
    ['nowhere', { database: URL }, {}, null],
    [
      'in the URL of a variable',
      {},
      { TASKMIRROR_DB: 'postgres://me:hidden%21@db.example/tasks' },
      'hidden!',
    ],
    ['in a variable of our own', { database: URL }, { TASKMIRROR_DATABASE_PASSWORD: 'hidden' }, 'hidden'],
    [
      'in a variable that is named',
      { database: URL, databasePassword: { env: 'PW' } },
      { PW: 'hidden' },
      'hidden',
    ],
    ['from a command', { database: URL, databasePassword: { command: 'echo hidden' } }, {}, 'hidden'],
    ['in PGPASSWORD', { database: URL }, { PGPASSWORD: 'hidden' }, 'hidden'],
    [
      'in the URL first',
      { databasePassword: { command: 'echo other' } },
      { TASKMIRROR_DB: 'postgres://me:hidden@db.example/tasks', PGPASSWORD: 'other' },
      'hidden',
    ],
    [
      'where the settings say before PGPASSWORD',
      { database: URL, databasePassword: { env: 'PW' } },
      { PW: 'hidden', PGPASSWORD: 'other' },
      'hidden',
    ],
  ])('is found %s, and no log shows it', async (_where, file, env, password) => {
    expect(await found(file, { env })).toEqual({
      password,
      secrets: password === null ? [] : [password],
      warnings: [],
    });
  });

  test('in a variable is also that of a flag which names the same place, and of no other', async () => {
    const env = { TASKMIRROR_DB: 'postgres://me:hidden@db.example/tasks' };
    expect(await found({}, { env, flags: { db: `${URL}?sslmode=require` } })).toMatchObject({
      password: 'hidden',
    });
    expect(await found({}, { env, flags: { db: 'postgres://me@other.example/tasks' } })).toMatchObject({
      password: null,
    });
  });

  test('that is the name of the user or of the database is hidden nowhere: every message holds it', async () => {
    for (const word of ['me', 'tasks', 'taskmirror']) {
      expect(await found({ database: URL }, { env: { PGPASSWORD: word } })).toMatchObject({
        password: word,
        secrets: [],
      });
    }
  });

  test('is read again each time, so that one that was changed is found', async () => {
    const cwd = folder({
      'taskmirror.config.json': { database: URL, databasePassword: { command: 'echo x >> n; wc -l < n' } },
    });
    const { settings } = await load(undefined, { cwd });
    const target = await resolveTarget(settings, {
      env: { PATH: process.env['PATH'] },
      cwd,
      signal: new AbortController().signal,
      clock: createFakeClock(),
      redactor: { add: () => {} },
      warn: () => {},
    });
    expect([await target.password?.(), await target.password?.()].map(Number)).toEqual([1, 2]);
  });

  test.each([
    [{ env: 'PW' }, { PW: '' }, 'environment variable PW is empty', { kind: 'env', place: 'PW' }],
    [{ env: 'PW' }, {}, 'environment variable PW is not set', { kind: 'env', place: 'PW' }],
    [{ env: 'PW' }, { PW: 'hid\nden' }, 'holds more than one line', { kind: 'env', place: 'PW' }],
    [{ file: '/nowhere/pw' }, {}, 'file /nowhere/pw does not exist', { kind: 'file', place: '/nowhere/pw' }],
    [
      { command: 'echo hidden; exit 3' },
      {},
      'command in databasePassword.command failed with exit code 3',
      { kind: 'command', place: null },
    ],
  ])(
    'at %j that cannot be used is an error that does not repeat it',
    async (databasePassword, env, words, place) => {
      const error = await usageError(() => found({ database: URL, databasePassword }, { env }));
      expect([error.code, error.facts]).toEqual([
        'password_unusable',
        { setting: 'databasePassword', ...place },
      ]);
      expect(error.message).toContain(words);
      expect(error.message).not.toMatch(/hid/);
    },
  );

  test('in a file that others can read is used, with a warning', async () => {
    const cwd = folder({ pw: 'hidden\n' });
    chmodSync(join(cwd, 'pw'), 0o644);
    const { password, warnings } = await found({
      database: URL,
      databasePassword: { file: join(cwd, 'pw') },
    });
    expect(password).toBe('hidden');
    expect(warnings).toEqual([expect.stringContaining('chmod 600')]);
  });
});

describe('a pgpass file', () => {
  test.each([
    ['db.example:5432:tasks:me:hidden', 'hidden'],
    ['*:*:*:*:hidden', 'hidden'],
    ['# a comment\nother:*:*:*:x\n*:*:*:you:x\n*:*:*:me:hidden\n*:*:*:*:late', 'hidden'],
    [String.raw`db.example:5432:tasks:me:hid\:den\\`, String.raw`hid:den\ `.trim()],
    ['db.example:5433:*:*:hidden', null],
    ['db.example:5432:tasks', null],
    ['', null],
  ])('%j', async (text, password) => {
    const env = { PGPASSFILE: pgpass(text) };
    expect(await found({ database: URL }, { env })).toMatchObject({ password, warnings: [] });
  });

  test('is looked for in the home folder', async () => {
    const home = folder({ '.pgpass': '*:*:*:*:hidden' });
    chmodSync(join(home, '.pgpass'), 0o600);
    expect(await found({ database: URL }, { env: { HOME: home } })).toMatchObject({ password: 'hidden' });
  });

  test('has sockets under localhost, too', async () => {
    const env = { PGPASSFILE: pgpass('localhost:*:*:*:hidden') };
    const database = 'postgres://me@/tasks?host=/var/run/postgresql';
    expect(await found({ database }, { env })).toMatchObject({ password: 'hidden' });
  });

  test('that others can read is left alone, as psql does', async () => {
    const env = { PGPASSFILE: pgpass('*:*:*:*:hidden', 0o640) };
    const { password, warnings } = await found({ database: URL }, { env });
    expect(password).toBeNull();
    expect(warnings).toEqual([expect.stringContaining('it is not used')]);
  });
});

describe('the database to query', () => {
  const file = { database: URL, databasePassword: { env: 'PW' }, queryDatabase: READER };
  test('has a password of its own', async () => {
    const env = { PW: 'writer', READ: 'hidden' };
    const own = { ...file, queryDatabasePassword: { env: 'READ' } };
    expect(await found(own, { env, toQuery: true })).toMatchObject({ password: 'hidden' });
    expect(await found(own, { env })).toMatchObject({ password: 'writer' });
    expect(await found(file, { env, toQuery: true })).toMatchObject({ password: null });
  });

  test('is the database itself if none is set', async () => {
    expect(
      await found({ ...file, queryDatabase: null }, { env: { PW: 'hidden' }, toQuery: true }),
    ).toMatchObject({
      password: 'hidden',
    });
  });
});

/** Where settings lead to; no password is asked for. */
const target = async (file: unknown, cwd: string) =>
  resolveTarget((await load(file)).settings, {
    env: {},
    cwd,
    signal: new AbortController().signal,
    redactor: { add: () => {} },
    warn: () => {},
  });

describe('the authorities that sslrootcert names', () => {
  const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  test('are read from the file', async () => {
    const cwd = folder({ 'ca.pem': CERTIFICATE });
    const { ca, schema, url } = await target({ database: `${URL}?sslrootcert=${join(cwd, 'ca.pem')}` }, cwd);
    expect({ ca, schema, url }).toEqual({
      ca: CERTIFICATE,
      schema: 'taskmirror',
      url: `${URL}?sslrootcert=${join(cwd, 'ca.pem')}`,
    });
    expect((await target({ database: URL }, cwd)).ca).toBeNull();
  });

  test('that are missing, or none, are an error with the name of the file', async () => {
    const cwd = folder({ 'none.pem': 'x' });
    for (const [name, words] of [
      ['gone.pem', 'does not exist'],
      ['none.pem', 'holds no certificate'],
    ] as const) {
      const path = join(cwd, name);
      const error = await usageError(() => target({ database: `${URL}?sslrootcert=${path}` }, cwd));
      expect([error.code, error.facts]).toEqual(['certificate_unusable', { file: path }]);
      expect(error.message).toContain(words);
    }
  });
});
