import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { runProgram } from '../support/program.ts';
import { tasksApart } from '../support/tasks.ts';
import { serveTasks } from './api.ts';
import { filesIn } from './files.ts';

describe('exit code 10: a database that is not ours to write', () => {
  const kinds: [string, (file: string) => void | Promise<void>, RegExp][] = [
    ['a text file', (file) => writeFileSync(file, 'Some notes.\n'.repeat(400)), /not an SQLite database/],
    [
      'a database of another program',
      (file) => void new Database(file).exec('create table notes (text)').close(),
      /another program/,
    ],
    ['a folder', (file) => mkdirSync(file), /is not a file/],
    ['a mirror of a newer version', makeNewerMirror, /newer/],
  ];
  test.each(kinds)('%s stays as it is', async (_, make, said) => {
    const api = await serveTasks(tasksApart(10, 1_000));
    const cwd = temporaryFolder();
    const file = join(cwd, 'taskmirror.db');
    await make(file);
    const before = filesIn(cwd);
    const runs = [['sync'], ['query', 'select 1']].map((args) => runProgram(args, { cwd, env: api.env }));
    for (const { code, stdout, stderr } of await Promise.all(runs)) {
      expect([code, stdout]).toEqual([10, '']);
      expect(stderr).toMatch(said);
      expect(stderr).toContain(file);
    }
    // A reader may leave an empty -wal and a -shm beside a mirror: the file itself is what must not change.
    for (const [name, bytes] of Object.entries(before)) expect(filesIn(cwd)[name] === bytes).toBe(true);
    expect(api.stats.list).toBe(0);
  });
});

describe('the authorities that sslrootcert names for a copy', () => {
  const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  test.each([
    ['system', 10, '127.0.0.1:1/tasks: the server cannot be reached'],
    ['ca.pem', 10, '127.0.0.1:1/tasks: the server cannot be reached'],
    ['gone.pem', 2, '/gone.pem does not exist'],
    ['none.pem', 2, '/none.pem holds no certificate'],
  ])('%s: exit code %i', async (name, code, said) => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'ca.pem'), CERTIFICATE);
    writeFileSync(join(cwd, 'none.pem'), 'PEM');
    const store = await openMirrorStore(join(cwd, 'a.db'), {
      create: true,
      clock: systemClock,
      omit: new Set(),
    });
    await store.close();
    const url = `postgres://me@127.0.0.1:1/tasks?sslrootcert=${name}`;
    for (const args of [
      ['--from', 'a.db', '--to', url],
      ['--from', url, '--to', 'b.db'],
    ]) {
      const ended = await runProgram(['copy', ...args], { cwd });
      expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(said) });
    }
    expect(Object.keys(filesIn(cwd))).not.toContain('b.db');
  });
});

describe('sync --dry-run and verify', () => {
  test('refuse a mirror of an older version, which a plain sync brings up to date', async () => {
    const api = await serveTasks(tasksApart(10, 1_000));
    const cwd = temporaryFolder();
    const file = join(cwd, 'taskmirror.db');
    await makeMirror(file, 1);
    const before = filesIn(cwd)['taskmirror.db'];
    for (const args of [['sync', '--dry-run'], ['verify']]) {
      const { code, stderr } = await runProgram(args, { cwd, env: api.env });
      expect([code, stderr]).toEqual([
        10,
        `taskmirror: ${file} has the older schema 1\n` +
          '  Run a plain "taskmirror sync" once: it brings the file up to date first.\n',
      ]);
    }
    expect(filesIn(cwd)['taskmirror.db'] === before).toBe(true);
    expect(api.stats.list).toBe(0);
  });

  test('leave a copy as it is, outside of WAL mode', async () => {
    const api = await serveTasks(tasksApart(10, 1_000));
    const cwd = temporaryFolder();
    const run = (...args: string[]) => runProgram(args, { cwd, env: api.env });
    for (const args of [['sync'], ['snapshot', 'copy.db']]) expect((await run(...args)).code).toBe(0);
    const before = filesIn(cwd)['copy.db'];
    expect(await run('sync', '--dry-run', '--full', '--db', 'copy.db')).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await run('verify', '--db', 'copy.db')).toMatchObject({ code: 0, stderr: '' });
    expect(filesIn(cwd)['copy.db'] === before).toBe(true);
  });
});

function makeNewerMirror(file: string): Promise<void> {
  return makeMirror(file, 99);
}

async function makeMirror(file: string, schema: number): Promise<void> {
  const store = await openMirrorStore(file, { create: true, clock: systemClock, omit: new Set() });
  await store.close();
  const db = new Database(file);
  db.pragma(`user_version = ${schema}`);
  db.close();
}
