import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SimulatedList } from '../../../src/source/simulated/list.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import { type SyncOptions, syncSource } from '../../../src/sync/sync.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { memorySource } from '../../support/memory-source.ts';
import { memoryLog, readRows, temporaryMirror } from '../../support/mirror.ts';
import { type Bench, syncBench } from '../../support/sync.ts';
import { completedTask, EPOCH, runningTask } from '../../support/tasks.ts';

const DAY = 86_400_000;
const OPTIONS = { pageSize: 100, concurrency: 4, overlapMs: 300_000, signal: new AbortController().signal };

/** What no number of tasks makes larger: no table, the names of tables, indexes and sources, and rows of state. */
const SMALL = [
  'SCAN CONSTANT ROW',
  'SCAN sqlite_schema',
  'SCAN search_state',
  'SCAN omitted_fields',
  'SCAN retention_state',
  // Newest first, up to the last one of this source.
  'SCAN sync_runs',
  'SCAN sources USING COVERING INDEX sqlite_autoindex_sources_1',
  // The ids of one page.
  'SCAN shown VIRTUAL TABLE INDEX 1:',
];
/** Through these, each step finds what it needs: tasks by their ids, the open ones, and what is old. */
const INDEXES =
  /USING (?:COVERING )?INDEX (?:sqlite_autoindex_tasks_1|tasks_open|tasks_by_removal|changes_by_time)\b/;

// The mirror of each is large enough for a second page, and was synced by the first settings before.
test.each<[what: string, omit: 'message'[], options: Partial<SyncOptions>, source: string]>([
  ['with no settings', [], {}, 'first'],
  ['with fields to omit', ['message'], {}, 'first'],
  ['with something to prune', [], { retention: { changesMs: DAY, removedMs: DAY } }, 'first'],
  ['of a source whose tasks another one holds', [], {}, 'second'],
])(
  'a run that finds nothing takes as long in a large mirror %s: it reads tasks by id, and else only the open ones',
  async (_what, omitted, options, source) => {
    const clock = createFakeClock(EPOCH + 3_600_000);
    const { store: plain, file } = await temporaryMirror(clock);
    const list = new SimulatedList(
      Array.from({ length: 150 }, (_, i) =>
        i === 3 ? runningTask(`t${i}`, EPOCH - i) : completedTask(`t${i}`, EPOCH - i),
      ),
    );
    const store = await openMirrorStore(file, { create: false, clock, omit: new Set(omitted) });
    onTestFinished(() => store.close());
    const sync = (name: string, to = store) =>
      syncSource(
        { name, baseUrl: 'https://api.example' },
        { store: to, clock, logFor: () => memoryLog(), connect: () => memorySource(list) },
        { ...OPTIONS, ...options },
      );
    await sync('first', plain);
    await sync('second', plain);
    await sync(source);

    const prepare = vi.spyOn(Database.prototype, 'prepare');
    const { report } = await sync(source);
    const statements = [...new Set(prepare.mock.calls.map(([sql]) => sql))];
    prepare.mockRestore();
    expect(report).toMatchObject({ outcome: 'ok', inserted: 0, updated: 0, requests: 1 });

    const plans = plansOf(file, statements);
    const onTasks = plans.filter((step) => /\b(tasks|above|task_changes)\b/.test(step));
    expect(onTasks.length).toBeGreaterThan(0);
    expect(onTasks.filter((step) => !INDEXES.test(step))).toEqual([]);
    const scans = plans.filter((step) => step.startsWith('SCAN') && !SMALL.includes(step));
    expect(scans.filter((step) => !/^SCAN tasks USING INDEX tasks_open$/.test(step))).toEqual([]);
  },
);

/** The first run, and the one after it, which arms the alarm of the total. */
async function backfill(bench: Bench, list: SimulatedList): Promise<void> {
  await bench.sync(list);
  await bench.sync(list);
  expect(walBytes(bench.file)).toBe(0);
}

describe('a run that finds nothing writes the record of its run, as it begins and as it ends, and nothing else', () => {
  test('however often it comes: its pages stay in the WAL', async () => {
    const bench = await syncBench();
    const list = new SimulatedList([completedTask('t', EPOCH)]);
    await backfill(bench, list);
    for (let nth = 1; nth <= 3; nth += 1) {
      await bench.sync(list);
      expect(pages(bench)).toBe(2 * nth);
    }
    expect(
      readRows(bench.file, 'select kind, outcome, count(*) as runs from sync_runs group by kind'),
    ).toEqual([
      { kind: 'backfill', outcome: 'ok', runs: 1 },
      { kind: 'incremental', outcome: 'ok', runs: 4 },
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
    await backfill(bench, list);
    const { report, source } = await bench.sync(list);
    expect(report).toMatchObject({ outcome: 'ok', inserted: 0, updated: 0 });
    expect({ lists: source.lists.length, gets: source.gets.length }).toEqual(requests);
    expect(pages(bench)).toBe(2);
  });

  test('though it makes sure that there is no search index', async () => {
    const bench = await syncBench({ searchIndex: false });
    const list = new SimulatedList([completedTask('t', EPOCH)]);
    await backfill(bench, list);
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

  test('and renews its lease once it is four seconds old: each time one page more', async () => {
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
    expect([await written(3_999), await written(1), await written(3_999), await written(60_000)]).toEqual([
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
