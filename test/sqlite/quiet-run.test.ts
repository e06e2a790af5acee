import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SimulatedList } from '../../src/demo/list.ts';
import { changeOf, mirrorTask } from '../contracts/mirror-store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { readRows, temporaryMirror } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';

test('a run that finds nothing takes as long in a large mirror: it reads tasks by id, and else only the open ones', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(Array.from({ length: 150 }, (_, i) => completedTask(`t${i}`, EPOCH - i)));
  await bench.sync(list);

  const prepare = vi.spyOn(Database.prototype, 'prepare');
  const { report } = await bench.sync(list);
  const statements = [...new Set(prepare.mock.calls.map(([sql]) => sql))];
  prepare.mockRestore();
  expect(report).toMatchObject({ outcome: 'ok', inserted: 0, updated: 0, requests: 1 });

  const plans = plansOf(bench.file, statements);
  const onTasks = plans.filter((step) => /\b(tasks|above)\b/.test(step));
  expect(onTasks.length).toBeGreaterThan(0);
  expect(
    onTasks.filter((step) => !/ USING INDEX (sqlite_autoindex_tasks_1|tasks_open) \(/.test(step)),
  ).toEqual([]);
  // None grows with the tasks: a select of no table, the names of tables and indexes, the one row of how far the text
  // index is, and the runs, newest first, up to the last one of this source.
  const small = ['SCAN CONSTANT ROW', 'SCAN sqlite_schema', 'SCAN search_state', 'SCAN sync_runs'];
  expect(plans.filter((step) => step.startsWith('SCAN') && !small.includes(step))).toEqual([]);
});

describe('a run that finds nothing writes the record of its run, as it begins and as it ends, and nothing else', () => {
  test('however often it comes: its pages stay in the WAL', async () => {
    const bench = await syncBench();
    const list = new SimulatedList([completedTask('t', EPOCH)]);
    await bench.sync(list);
    expect(walBytes(bench.file)).toBe(0);
    for (let nth = 1; nth <= 3; nth += 1) {
      await bench.sync(list);
      expect(pages(bench)).toBe(2 * nth);
    }
    expect(
      readRows(bench.file, 'select kind, outcome, count(*) as runs from sync_runs group by kind'),
    ).toEqual([
      { kind: 'backfill', outcome: 'ok', runs: 1 },
      { kind: 'incremental', outcome: 'ok', runs: 3 },
    ]);
  });

  test.each([
    ['one by one', 2_000, { lists: 1, gets: 9 }],
    ['page by page', 350, { lists: 4, gets: 0 }],
  ])('though it reads open tasks again, %s', async (_how, count, requests) => {
    const bench = await syncBench();
    const open = { status: 'running', completedAt: null };
    const list = new SimulatedList([
      ...Array.from({ length: count }, (_, i) => completedTask(`t${i}`, EPOCH - i * 60_000)),
      ...Array.from({ length: 9 }, (_, i) => completedTask(`open${i}`, EPOCH - 1e9 - i, open)),
    ]);
    await bench.sync(list);
    const { report, source } = await bench.sync(list);
    expect(report).toMatchObject({ outcome: 'ok', inserted: 0, updated: 0 });
    expect({ lists: source.lists.length, gets: source.gets.length }).toEqual(requests);
    expect(pages(bench)).toBe(2);
  });

  test('though it makes sure that there is no search index', async () => {
    const bench = await syncBench({ searchIndex: false });
    const list = new SimulatedList([completedTask('t', EPOCH)]);
    await bench.sync(list);
    await bench.sync(list);
    expect(pages(bench)).toBe(2);
  });

  test('until the WAL has 4 MB: then it is emptied, as it is by a run that finds something', async () => {
    const bench = await syncBench();
    const list = new SimulatedList([completedTask('t', EPOCH)]);
    await bench.sync(list);
    await bench.sync(list);
    list.put(completedTask('new', EPOCH + 1));
    await bench.sync(list);
    expect(walBytes(bench.file)).toBe(0);

    const db = new Database(bench.file);
    onTestFinished(() => void db.close());
    db.exec('create table large (bytes)');
    const fill = db.prepare('insert into large values (zeroblob(1024 * 1024))');
    for (let i = 0; i < 3; i += 1) fill.run();
    await bench.sync(list);
    expect(walBytes(bench.file)).toBeGreaterThan(3 * 1024 * 1024);
    fill.run();
    await bench.sync(list);
    expect(walBytes(bench.file)).toBe(0);
  });

  test('and renews its lease once it is five seconds old: each time one page more', async () => {
    const clock = createFakeClock();
    const { store, file } = await temporaryMirror(clock);
    const claim = await store.claim({ name: 'a', baseUrl: 'https://a.example' });
    const change = changeOf({ tasks: [mirrorTask('x')] });
    await claim.commit(change);
    const written = async (ms: number): Promise<number> => {
      const before = walBytes(file);
      clock.advance(ms);
      await claim.commit(change);
      return (walBytes(file) - before) / FRAME_BYTES;
    };
    expect([await written(4_999), await written(1), await written(4_999), await written(60_000)]).toEqual([
      0, 1, 0, 1,
    ]);
  });
});

const walBytes = (file: string): number => statSync(`${file}-wal`).size;

/** A frame of the WAL is a page with a head of 24 bytes (sqlite.org/fileformat.html#walformat). */
const FRAME_BYTES = 8_192 + 24;

/** Pages in the WAL, some of them more than once. */
const pages = ({ file }: Bench): number => Math.floor(walBytes(file) / FRAME_BYTES);

/** The steps by which SQLite would run these statements. */
function plansOf(file: string, statements: readonly string[]): string[] {
  const db = new Database(file, { readonly: true });
  try {
    return statements
      .filter((sql) => /^(select|insert|update|delete|replace|with)\b/i.test(sql))
      .flatMap((sql) =>
        db
          .prepare<unknown[], { detail: string }>(`explain query plan ${sql}`)
          .all(...Array.from(sql.matchAll(/\?/g), () => null)),
      )
      .map(({ detail }) => detail);
  } finally {
    db.close();
  }
}
