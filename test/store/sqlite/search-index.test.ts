import { join } from 'node:path';
import Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LeaseHeldError } from '../../../src/model/errors.ts';
import type { MirrorClaim, MirrorStore } from '../../../src/store/store.ts';
import { integrityCheck } from '../../../src/store/sqlite/inspect.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import type { Task } from '../../../src/model/task.ts';
import { READER_INDEXES } from '../../../src/store/sqlite/reader-indexes.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store.ts';
import { abortingAfter } from '../../support/abort.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/mirror.ts';
import { builtThrough, COMPLETE, indexed, reindexed } from '../../support/search-index.ts';
import { toldBy } from '../../support/told.ts';

const SOURCE = { name: 'a', baseUrl: 'https://a.example' };
const NEVER = new AbortController().signal;
/** More rows than one step of the build takes. */
const MANY = 8_500;

interface Bench {
  store: MirrorStore;
  claim: MirrorClaim;
  file: string;
  clock: FakeClock;
  /** A connection of its own, as another program would have it. */
  db: Database.Database;
}

async function openBench(file = join(temporaryFolder(), 'mirror.db'), searchIndex = true): Promise<Bench> {
  const clock = createFakeClock();
  const store = await openMirrorStore(file, { create: true, clock, omit: new Set(), searchIndex });
  onTestFinished(() => store.close());
  const db = new Database(file);
  onTestFinished(() => void db.close());
  return { store, claim: await store.claim(SOURCE), file, clock, db };
}

const some = (count: number, from = 0): Task[] =>
  Array.from({ length: count }, (_, i) =>
    mirrorTask(`t${from + i}`, i, { message: `Deploy number ${from + i} to staging` }),
  );

const found = (db: Database.Database, words: string): number | undefined =>
  db
    .prepare<[string], number>('select count(*) from task_search where task_search match ?')
    .pluck()
    .get(words);

const objects = (db: Database.Database): string[] =>
  db
    .prepare<[], string>("select name from sqlite_schema where name like 'task_search%' order by name")
    .pluck()
    .all();

describe('the search index', () => {
  test('does not exist during the first backfill, and so costs it nothing', async () => {
    const { claim, db } = await openBench();
    await claim.commit(changeOf({ tasks: some(5) }));
    expect(objects(db)).toEqual([]);
    expect(builtThrough(db)).toBeNull();
  });

  test('holds every task once it is built, in as many steps as it takes', async () => {
    const { claim, db } = await openBench();
    await claim.commit(changeOf({ tasks: some(MANY) }));
    await claim.prepareForReaders(NEVER);
    expect(builtThrough(db)).toBe(COMPLETE);
    expect(found(db, 'staging')).toBe(MANY);
    expect(indexed(db)).toEqual(reindexed(db));
  });

  test("merges only complete parts while it is built, and by SQLite's defaults afterwards", async () => {
    const { claim, db } = await openBench();
    await claim.commit(changeOf({ tasks: some(MANY) }));
    const merges = (): unknown[] =>
      db
        .prepare("select v from task_search_config where k in ('automerge', 'crisismerge') order by k")
        .pluck()
        .all();
    for (const { create } of READER_INDEXES) db.exec(create);
    await claim.prepareForReaders(abortingAfter(2));
    expect(merges()).toEqual([0, 64]);
    await claim.prepareForReaders(NEVER);
    expect(merges()).toEqual([4, 16]);
  });

  test('that is complete is not written to by the next call, and neither is anything else', async () => {
    const { claim, db } = await openBench();
    await claim.commit(changeOf({ tasks: some(3) }));
    await claim.prepareForReaders(NEVER);
    const version = db.pragma('data_version');
    await claim.prepareForReaders(NEVER);
    expect(db.pragma('data_version')).toEqual(version);
  });

  test('whose build is stopped after any step continues there, with new and changed rows', async () => {
    const { claim, db } = await openBench();
    await claim.commit(changeOf({ tasks: some(MANY) }));
    for (const { create } of READER_INDEXES) db.exec(create);
    const seen: (bigint | null)[] = [];
    for (let round = 0; builtThrough(db) !== COMPLETE; round += 1) {
      await claim.prepareForReaders(abortingAfter(1));
      seen.push(builtThrough(db));
      const edit = { message: `changed in round ${round}` };
      await claim.commit(
        changeOf({
          tasks: [
            mirrorTask('t0', 0, edit),
            mirrorTask(`t${MANY - 1}`, 0, edit),
            ...some(2, MANY + 2 * round),
          ],
        }),
      );
      expect(indexed(db)).toEqual(reindexed(db));
    }
    expect(seen).toEqual([0n, 4_000n, 8_000n, COMPLETE]);
    expect(found(db, 'staging')).toBe(MANY - 2 + 2 * seen.length);
    expect(found(db, `"round ${seen.length - 1}"`)).toBe(2);
  });

  test('is built by a signal that has aborted no further', async () => {
    const { claim, db } = await openBench();
    await claim.prepareForReaders(AbortSignal.abort());
    expect(objects(db)).toEqual([]);
  });

  test('is not touched by an update that leaves its three columns as they are', async () => {
    const { claim, db } = await openBench();
    const [task] = some(1);
    if (task === undefined) throw new Error('no task');
    await claim.commit(changeOf({ tasks: [task] }));
    await claim.prepareForReaders(NEVER);
    const pages = () => db.prepare('select id, block from task_search_data order by id').all();
    const before = pages();
    await claim.commit(changeOf({ tasks: [{ ...task, status: 'running', messageCount: 9 }] }));
    await claim.remove([task.id]);
    expect(pages()).toEqual(before);
    await claim.commit(changeOf({ tasks: [{ ...task, error: 'disk full' }] }));
    expect(pages()).not.toEqual(before);
    expect(found(db, 'error: disk')).toBe(1);
  });

  test('loses a row that somebody deletes by hand', async () => {
    const { claim, db } = await openBench();
    await claim.commit(changeOf({ tasks: some(3) }));
    await claim.prepareForReaders(NEVER);
    db.exec("delete from tasks where id = 't1'");
    expect(found(db, 'staging')).toBe(2);
    expect(indexed(db)).toEqual(reindexed(db));
  });

  test('folds case and accents, and cuts words at everything that is neither letter nor digit', async () => {
    const { claim, db } = await openBench();
    const message = 'Zürich: ECONNREFUSED in src/db_pool.ts — 部署失败';
    await claim.commit(changeOf({ tasks: [mirrorTask('x', 0, { message })] }));
    await claim.prepareForReaders(NEVER);
    for (const words of ['zurich', 'ZÜRICH', 'econnrefused', 'pool', '"db_pool.ts"', '部署失败', '部署*']) {
      expect([words, found(db, words)]).toEqual([words, 1]);
    }
    for (const words of ['connrefused', '失败']) expect([words, found(db, words)]).toEqual([words, 0]);
  });

  test.each(['vacuum', 'vacuum into'])(
    'refers to the same rows after %s, rows deleted before or not',
    async (how) => {
      const { claim, db } = await openBench();
      await claim.commit(changeOf({ tasks: some(50) }));
      await claim.prepareForReaders(NEVER);
      db.exec("delete from tasks where id in ('t0', 't7', 't8', 't30')");
      const before = db.prepare('select rowid, id from tasks order by rowid').all();
      const copy = join(temporaryFolder(), 'copy.db');
      if (how === 'vacuum') db.exec('vacuum');
      else db.prepare('vacuum into ?').run(copy);
      const after = how === 'vacuum' ? db : new Database(copy);
      expect(after.prepare('select rowid, id from tasks order by rowid').all()).toEqual(before);
      expect(indexed(after)).toEqual(reindexed(after));
      expect(after.pragma('integrity_check', { simple: true })).toBe('ok');
      if (after !== db) after.close();
    },
  );

  test('is dropped if it is not wanted, and built again if it is wanted later', async () => {
    const { store, claim, file, db } = await openBench();
    await claim.commit(changeOf({ tasks: some(10) }));
    await claim.prepareForReaders(NEVER);
    await store.close();

    const without = await openBench(file, false);
    await without.claim.startRun('incremental');
    expect(objects(db)).toEqual([]);
    expect(builtThrough(db)).toBeNull();
    await without.claim.commit(changeOf({ tasks: [...some(5, 10), mirrorTask('t3', 0, { message: 'x' })] }));
    await without.claim.prepareForReaders(NEVER);
    expect(objects(db)).toEqual([]);
    await without.store.close();

    const again = await openBench(file);
    await again.claim.prepareForReaders(NEVER);
    expect(found(db, 'staging')).toBe(14);
    expect(indexed(db)).toEqual(reindexed(db));
  });

  test('is built together by two sources whose runs end at once', async () => {
    const { store, claim, db } = await openBench();
    const other = await store.claim({ name: 'b', baseUrl: 'https://b.example' });
    await claim.commit(changeOf({ tasks: some(MANY) }));
    await other.commit(changeOf({ tasks: some(MANY, MANY) }));
    await Promise.all([claim.prepareForReaders(NEVER), other.prepareForReaders(NEVER)]);
    expect(builtThrough(db)).toBe(COMPLETE);
    expect(indexed(db)).toEqual(reindexed(db));
  });

  test('leaves the backfill of another source to the end of it, and keeps up with all else meanwhile', async () => {
    const { store, claim, db } = await openBench();
    await claim.commit(changeOf({ tasks: some(10) }));
    await claim.prepareForReaders(NEVER);
    const other = await store.claim({ name: 'b', baseUrl: 'https://b.example' });
    await other.startRun('backfill');
    await other.commit(changeOf({ tasks: some(10, 100) }));
    expect(builtThrough(db)).toBe(10n);
    expect(found(db, 'staging')).toBe(10);
    await claim.commit(changeOf({ tasks: [mirrorTask('t3', 0, { message: 'a zebra' })] }));
    expect(found(db, 'zebra')).toBe(1);
    expect(indexed(db)).toEqual(reindexed(db));
    await other.prepareForReaders(NEVER);
    expect(builtThrough(db)).toBe(COMPLETE);
    expect(found(db, 'staging')).toBe(19);
    expect(indexed(db)).toEqual(reindexed(db));
  });

  test.each(['incremental', 'reconcile'] as const)('stays complete while an %s run goes on', async (kind) => {
    const { claim, db } = await openBench();
    await claim.commit(changeOf({ tasks: some(3) }));
    await claim.prepareForReaders(NEVER);
    await claim.startRun(kind);
    await claim.commit(changeOf({ tasks: some(2, 3) }));
    expect(found(db, 'staging')).toBe(5);
  });

  test('that is damaged is reported, and a run without it and one with it repair it', async () => {
    const { store, claim, db, file } = await openBench();
    await claim.commit(changeOf({ tasks: some(20) }));
    await claim.prepareForReaders(NEVER);
    db.unsafeMode();
    db.exec('delete from task_search_data');
    const failure = claim.commit(changeOf({ tasks: some(1, 20) }));
    await expect(failure).rejects.toThrow('the search index is damaged');
    expect(await toldBy(failure)).toMatchObject({
      hint: expect.stringContaining('SEARCH_INDEX=false') as string,
    });
    await store.close();

    const without = await openBench(file, false);
    await without.claim.startRun('incremental');
    expect(await without.claim.commit(changeOf({ tasks: some(1, 20) }))).toMatchObject({ inserted: 1 });
    await without.store.close();
    const again = await openBench(file);
    await again.claim.prepareForReaders(NEVER);
    expect(found(again.db, 'staging')).toBe(21);
    expect(integrityCheck(file)).toEqual({ problems: [], damage: null });
  });

  test('is built in steps between which others get their turn, and each of which renews the lease', async () => {
    const { claim, clock, file } = await openBench();
    await claim.commit(changeOf({ tasks: some(MANY) }));
    const other = await openMirrorStore(file, { create: false, clock, omit: new Set() });
    onTestFinished(() => other.close());
    const slow = new Proxy(NEVER, {
      get(signal, name) {
        if (name === 'aborted') clock.advance(40_000);
        return Reflect.get(signal, name, signal) as unknown;
      },
    });
    let turns = 0;
    const work = claim.prepareForReaders(slow).finally(() => (turns = -turns));
    const count = (): void => {
      if (turns < 0) return;
      turns += 1;
      setImmediate(count);
    };
    setImmediate(count);
    await work;
    expect(-turns).toBeGreaterThanOrEqual(3);
    await expect(other.claim(SOURCE)).rejects.toThrow(LeaseHeldError);
  });
});

test('whatever is written and whenever the build continues, the index equals a fresh one', async () => {
  const text = fc.oneof(
    fc.constant(null),
    fc.constantFrom('deploy to staging', 'Deploy TO', 'zürich "quoted" NEAR(a)', '部署失败 🚀', 'a\0b', ''),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ id, message: text, systemPrompt: text, error: text }) },
    { weight: 1, arbitrary: id },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 }) },
    { weight: 1, arbitrary: fc.boolean() },
  );
  const { claim, db } = await openBench();
  const wordsOf = (index: typeof db) => (builtThrough(index) === null ? null : indexed(index));
  const expectedWordsOf = (index: typeof db) => (builtThrough(index) === null ? null : reindexed(index));
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
      db.exec(
        'delete from task_changes; delete from tasks; delete from search_state; drop table if exists task_search;' +
          ['insert', 'update', 'delete'].map((on) => `drop trigger if exists task_search_${on};`).join(''),
      );
      for (const todo of actions) {
        if (typeof todo === 'number') await claim.prepareForReaders(abortingAfter(todo));
        else if (typeof todo === 'boolean') await claim.prepareForReaders(NEVER);
        else if (typeof todo === 'string') await claim.remove([todo]);
        else await claim.commit(changeOf({ tasks: [mirrorTask(todo.id, 0, todo)] }));
        expect(wordsOf(db)).toEqual(expectedWordsOf(db));
      }
      await claim.prepareForReaders(NEVER);
      expect(indexed(db)).toEqual(reindexed(db));
    }),
    { numRuns: 60 },
  );
});
