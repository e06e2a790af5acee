import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DatabaseError } from '../../../src/model/errors.ts';
import type { MirrorClaim } from '../../../src/store/store.ts';
import { SqliteClaim } from '../../../src/store/sqlite/claim.ts';
import { explain } from '../../../src/store/sqlite/failure.ts';
import { openDatabase } from '../../../src/store/sqlite/open.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import { createUpserter } from '../../../src/store/sqlite/upsert.ts';
import { READER_INDEXES } from '../../../src/store/sqlite/reader-indexes.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { readRows, temporaryFolder } from '../../support/mirror.ts';
import { builtThrough, COMPLETE, indexed, reindexed } from '../../support/search-index.ts';
import { told, toldBy } from '../../support/told.ts';

const SOURCE = { name: 'a', baseUrl: 'https://a.example' };
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => mirrorTask(`t${i}`, i, { message: 'x'.repeat(500) }));

const words = (count: number) =>
  Array.from({ length: count }, (_, i) => mirrorTask(`t${i}`, i, { message: `word${i} of word${i % 97}` }));

/** A mirror with a registered source, and a claim on a connection that the test can put under pressure. */
async function claimed(): Promise<{ file: string; db: Database.Database; claim: MirrorClaim }> {
  const file = join(temporaryFolder(), 'mirror.db');
  const clock = createFakeClock();
  const store = await openMirrorStore(file, { create: true, clock, omit: new Set() });
  await store.claim(SOURCE);
  await store.close();
  const db = await openDatabase(file, { create: false });
  onTestFinished(() => void db.close());
  const lease = { run: 1, hold: () => {}, release: () => {} };
  const upserter = createUpserter(db, new Set());
  const claim = new SqliteClaim({
    db,
    source: 'a',
    lease,
    upserter,
    clock,
    searchIndex: true,
    onRelease: () => {},
  });
  return { file, db, claim };
}

/** A second connection that holds the lock for writing. */
function lockedBy(file: string): Database.Database {
  const other = new Database(file);
  onTestFinished(() => void other.close());
  other.exec('begin immediate');
  return other;
}

describe('a full disk', () => {
  test('rolls the commit back, is named with its file, and the next commit goes on once there is space', async () => {
    const { file, db, claim } = await claimed();
    await claim.commit(changeOf({ tasks: [mirrorTask('kept')], total: 1 }));
    const pages = Number(db.pragma('page_count', { simple: true }));
    db.pragma(`max_page_count = ${pages + 20}`);
    const change = changeOf({ tasks: many(500), ledger: { watermark: 1, gaps: [] }, total: 500 });
    const failure = claim.commit(change);
    await expect(failure).rejects.toBeInstanceOf(DatabaseError);
    expect(await toldBy(failure)).toMatchObject({
      exitCode: 10,
      message: expect.stringMatching(/mirror\.db: the disk is full; the last step was rolled back/),
      hint: expect.stringMatching(/Free some space/),
    });
    expect(readRows(file, 'select id from tasks')).toEqual([{ id: 'kept' }]);
    expect(await claim.state()).toMatchObject({ total: 1, ledger: { watermark: null } });

    db.pragma('max_page_count = 1000000');
    expect(await claim.commit(change)).toMatchObject({ inserted: 500 });
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  });
});

test('a disk that fills up while the search index is made takes nothing away, and the next call goes on', async () => {
  const { db, claim } = await claimed();
  await claim.commit(changeOf({ tasks: words(3_000) }));
  for (const { create } of READER_INDEXES) db.exec(create);
  const pages = Number(db.pragma('page_count', { simple: true }));
  db.pragma(`max_page_count = ${pages + 10}`);
  const failure = claim.prepareForReaders(new AbortController().signal);
  expect(await toldBy(failure)).toMatchObject({
    exitCode: 10,
    message: expect.stringMatching(/disk is full/),
  });
  expect(indexed(db)).toEqual(reindexed(db));
  expect(builtThrough(db)).not.toBe(COMPLETE);

  db.pragma('max_page_count = 1000000');
  await claim.prepareForReaders(new AbortController().signal);
  expect(builtThrough(db)).toBe(COMPLETE);
  expect(indexed(db)).toEqual(reindexed(db));
});

describe('a database that another program keeps locked', () => {
  test('is said to be locked, and the claim goes on once the lock is gone', async () => {
    const { file, db, claim } = await claimed();
    db.pragma('busy_timeout = 0');
    const other = lockedBy(file);
    const failure = claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
    await expect(failure).rejects.toBeInstanceOf(DatabaseError);
    expect(await toldBy(failure)).toMatchObject({
      exitCode: 10,
      message: expect.stringMatching(/mirror\.db: another program kept the database locked/),
    });
    other.exec('rollback');
    expect(await claim.commit(changeOf({ tasks: [mirrorTask('x')] }))).toMatchObject({ inserted: 1 });
  });

  test('can be read meanwhile', async () => {
    const { file, claim } = await claimed();
    await claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
    lockedBy(file);
    expect(await claim.tasks(['x'])).toHaveLength(1);
  });
});

const sqliteError = (code: string): Error => new Database.SqliteError('as SQLite puts it', code);

describe('what SQLite says', () => {
  test.each([
    ['SQLITE_FULL', /disk is full/],
    ['SQLITE_NOTADB', /not an SQLite database/],
    ['SQLITE_CORRUPT', /damaged/],
    ['SQLITE_CORRUPT_INDEX', /damaged/],
    ['SQLITE_CORRUPT_VTAB', /search index is damaged/],
    ['SQLITE_BUSY_SNAPSHOT', /kept the database locked/],
    ['SQLITE_READONLY_DIRECTORY', /cannot be written/],
    ['SQLITE_CANTOPEN', /cannot be opened/],
    ['SQLITE_IOERR_WRITE', /failed to read or write/],
    ['SQLITE_IOERR_GETTEMPPATH', /no folder for temporary files/],
  ])('with %s is reported with the file and advice', (code, says) => {
    const error = explain(sqliteError(code), 'some.db');
    expect(error).toBeInstanceOf(DatabaseError);
    expect(told(error)).toMatchObject({
      message: expect.stringMatching(says),
      hint: expect.stringMatching(/\S/),
      cause: { code },
    });
    expect(error).toMatchObject({ message: expect.stringMatching(/^some\.db: /) });
  });

  test('with any other code is reported in its own words; other errors stay as they are', () => {
    expect(explain(sqliteError('SQLITE_TOOBIG'), 'some.db')).toMatchObject({
      message: 'some.db: SQLite says: as SQLite puts it (SQLITE_TOOBIG)',
    });
    const other = new RangeError('other');
    expect(explain(other, 'some.db')).toBe(other);
  });
});

/** The size of the WAL in bytes. */
const walOf = (file: string): number => statSync(`${file}-wal`).size;

/** A store with a claim that has just written a burst. */
async function burst() {
  const file = join(temporaryFolder(), 'mirror.db');
  const store = await openMirrorStore(file, { create: true, clock: createFakeClock(), omit: new Set() });
  onTestFinished(() => store.close());
  const claim = await store.claim(SOURCE);
  await claim.commit(changeOf({ tasks: many(500) }));
  return { file, store, claim };
}

describe('the WAL', () => {
  test('is empty once the lease is given back', async () => {
    const { file, claim } = await burst();
    expect(walOf(file)).toBeGreaterThan(100_000);
    await claim.release();
    expect(walOf(file)).toBe(0);
  });

  test('held by a reader keeps no lease from being given back, and is cut back with the next one', async () => {
    const { file, store, claim } = await burst();
    const reader = new Database(file, { readonly: true });
    onTestFinished(() => void reader.close());
    const rows = reader.prepare('select id from tasks').iterate();
    rows.next();
    await claim.commit(changeOf({ tasks: [mirrorTask('later')] }));
    await claim.release();
    expect(walOf(file)).toBeGreaterThan(0);
    rows.return?.();
    await (await store.claim(SOURCE)).release();
    expect(walOf(file)).toBe(0);
  });
});
