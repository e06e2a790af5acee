import { existsSync } from 'node:fs';
import { chdir, cwd } from 'node:process';
import { dirname } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  DatabaseError,
  InterruptedError,
  openMirror,
  openMirrorReadOnly,
  reportOf,
  UsageError,
} from '../../src/index.ts';
import { tasksApart } from '../support/tasks.ts';
import { libraryBench, rejectionOf } from './open.ts';

const MINUTE = 60_000;

test('close releases the file, and can be called twice', async () => {
  const { mirror, options, file } = await libraryBench(tasksApart(10, MINUTE));
  await mirror.sync(options);
  await mirror.query('select 1 as one').all();
  expect(existsSync(`${file}-wal`)).toBe(true);
  await Promise.all([mirror.close(), mirror.close()]);
  await mirror.close();
  expect(existsSync(`${file}-wal`)).toBe(false);
});

test('close does not wait for an abandoned loop', async () => {
  const { mirror, options, file } = await libraryBench(tasksApart(250, MINUTE));
  await mirror.sync(options);
  const rows = mirror.query('select id from tasks')[Symbol.asyncIterator]();
  expect(await rows.next()).toMatchObject({ done: false });
  await mirror.close();
  expect(existsSync(`${file}-wal`)).toBe(false);
});

test('await using closes the mirror', async () => {
  const { mirror: first, file } = await libraryBench([]);
  await first.close();
  let kept;
  {
    await using mirror = await openMirror(file);
    kept = mirror;
    expect(await mirror.status()).toEqual([]);
  }
  await expect(kept.status()).rejects.toThrow(UsageError);
});

test('a closed mirror refuses to be used', async () => {
  const { mirror, options, api } = await libraryBench([]);
  await mirror.close();
  await expect(mirror.sync(options)).rejects.toThrow(/the mirror is closed/);
  await expect(mirror.status()).rejects.toThrow(/the mirror is closed/);
  expect(() => mirror.query('select 1 as one')).toThrow(/the mirror is closed/);
  expect(api.requests).toEqual([]);
});

test('close interrupts a sync that is under way, and the next one goes on', async () => {
  const { mirror, options, file } = await libraryBench(tasksApart(250, MINUTE));
  let closed: Promise<void> | undefined;
  const onProgress = ({ inserted }: { inserted: number }) => {
    if (inserted > 0) closed ??= mirror.close();
  };
  const error = await rejectionOf(mirror.sync({ ...options, concurrency: 1, pageSize: 20, onProgress }));
  await closed;
  expect(error).toBeInstanceOf(InterruptedError);
  const inserted = reportOf(error)?.inserted ?? NaN;
  expect(existsSync(`${file}-wal`)).toBe(false);

  await using again = await openMirror(file);
  expect(await again.query('select outcome from sync_runs').all()).toEqual([{ outcome: 'interrupted' }]);
  expect(await again.sync(options)).toMatchObject({ outcome: 'ok', inserted: 250 - inserted });
});

test('a relative name keeps its first meaning', async () => {
  const { mirror: first, file } = await libraryBench([]);
  await first.close();
  const before = cwd();
  onTestFinished(() => chdir(before));
  chdir(dirname(file));
  await using mirror = await openMirror('mirror.db', { create: false });
  chdir(before);
  expect(await mirror.query('select count(*) as n from tasks').all()).toEqual([{ n: 0 }]);
});

test('a mirror in memory is refused, since its queries could not see it', async () => {
  await expect(openMirror(':memory:')).rejects.toThrow(UsageError);
});

test.each([
  [undefined, 'option_invalid'],
  [7, 'option_invalid'],
  ['', 'option_invalid'],
  ['a\0b.db', 'path_invalid'],
])('a file called %j is refused, for writing and for reading', async (file, code) => {
  await expect(openMirror(file as string)).rejects.toMatchObject({ name: 'UsageError', code });
  await expect(openMirrorReadOnly(file as string)).rejects.toMatchObject({ name: 'UsageError', code });
});

test('the authorities that a URL names are given as text, since the library reads no file', async () => {
  for (const open of [openMirror, openMirrorReadOnly]) {
    for (const name of ['ca.pem', 'system']) {
      const error = await rejectionOf(open(`postgres://me@db.example/tasks?sslrootcert=${name}`));
      expect(error).toMatchObject({ name: 'UsageError', code: 'option_invalid', facts: { option: 'ca' } });
    }
  }
});

test('a mirror open for reading only answers beside the one that writes, and cannot be synced', async () => {
  const { mirror, options, file } = await libraryBench(tasksApart(10, MINUTE));
  await using reader = await openMirrorReadOnly(file);
  expect(reader).not.toHaveProperty('sync');
  expect(await reader.status()).toEqual([]);
  await mirror.sync(options);
  expect(await reader.query('select count(*) as n from tasks').all()).toEqual([{ n: 10 }]);
  expect(await reader.status()).toEqual(await mirror.status());
});

test('a mirror opened for reading only is never made', async () => {
  const { file } = await libraryBench([]);
  await expect(openMirrorReadOnly(`${file}.other`)).rejects.toThrow(DatabaseError);
  expect(existsSync(`${file}.other`)).toBe(false);
});
