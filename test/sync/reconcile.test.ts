import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ApiTask, SimulatedList } from '../../src/source/simulated/list.ts';
import type { ListPage } from '../../src/source/source.ts';
import type { MirrorStore, SourceStatus } from '../../src/store/store.ts';
import { SqliteClaim } from '../../src/store/sqlite/claim.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { createUpserter } from '../../src/store/sqlite/upsert.ts';
import { syncSource } from '../../src/sync/sync.ts';
import { memorySource } from '../support/memory-source.ts';
import { inMirrorOrder, mirroredTasks, readRows } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { at, completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { mirrored, spoil, unsorted } from './mirrored.ts';

const MINUTE = 60_000;
/** Four pages of 100 that overlap by two rows, or one more with the closing walk. */
const ROWS = 350;
const DEEP = 't000300';

function find(list: SimulatedList, id: string): ApiTask {
  const task = list.find(id);
  if (task === undefined) throw new Error(`the list has no task ${id}`);
  return task;
}

async function statusOf({ store }: Bench): Promise<SourceStatus> {
  const [status] = await store.status();
  if (status === undefined) throw new Error('the mirror knows no source');
  return status;
}

describe('a full run', () => {
  test('that finds nothing to do costs the pages of the list and one more', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    const { report, exitCode, source } = await bench.sync(list, { full: true });
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({
      kind: 'reconcile',
      verdict: 'clean',
      inserted: 0,
      updated: 0,
      removed: 0,
    });
    expect(source.lists).toEqual([0, 98, 196, 294, 0]);
    expect(source.gets).toEqual([]);
    expect((await statusOf(bench)).lastCleanFullAt).not.toBeNull();
  });

  test('of a mirror that is still empty is a backfill', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    const { report } = await bench.sync(list, { full: true });
    expect(report).toMatchObject({ kind: 'reconcile', outcome: 'ok', inserted: ROWS, gaps: 0 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  const edits: [string, Partial<ApiTask>][] = [
    ['api_key_id', { apiKeyId: 'key-2' }],
    ['username', { username: 'grace' }],
    ['session_id', { sessionId: 'session-2' }],
    ['conversation_id', { conversationId: 'conversation-2' }],
    ['status', { status: 'cancelled' }],
    ['message', { message: 'another text' }],
    ['system_prompt', { systemPrompt: 'Be brief.' }],
    ['show_in_history', { showInHistory: false }],
    ['auto_execute', { autoExecute: false }],
    ['env', { env: { a: 1 } }],
    ['error', { error: 'it failed after all' }],
    ['created_at', { createdAt: at(EPOCH - 400 * MINUTE) }],
    ['started_at', { startedAt: null }],
    ['completed_at', { completedAt: null }],
    ['message_count', { messageCount: 3 }],
    ['extra', { priority: 'high' } as Partial<ApiTask>],
  ];
  test.each(edits)('finds an edit of %s that leaves the task in its place', async (column, change) => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.put({ ...find(list, DEEP), ...change });
    // Nothing above has moved, so a plain run cannot know.
    expect((await bench.sync(list)).report).toMatchObject({ requests: 1, updated: 0 });
    expect((await bench.sync(list, { full: true })).report).toMatchObject({ updated: 1, inserted: 0 });
    const { priority: _, ...known } = find(list, DEEP) as ApiTask & { priority?: string };
    expect(mirroredTasks(bench.file).find(({ id }) => id === DEEP)).toEqual(known);
    expect(readRows(bench.file, 'select task_id, field from task_changes')).toEqual([
      { task_id: DEEP, field: column },
    ]);
  });

  test('closes the gaps that earlier runs left', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    await cutOff(bench, list, 3, {});
    expect((await bench.sync(list, { full: true })).report).toMatchObject({ outcome: 'ok', gaps: 0 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });
});

/** A run that is stopped before its list request number `request` is answered. */
function cutOff(bench: Bench, list: SimulatedList, request: number, options: { full?: boolean }) {
  const stop = new AbortController();
  return bench.sync(list, {
    ...options,
    signal: stop.signal,
    beforeList: ({ count }) => (count === request ? stop.abort() : undefined),
  });
}

describe('a full run that is cut off', () => {
  // Requests 1 to 4 are the walk; 5 is the closing walk.
  test.each([1, 2, 4, 5])(
    'before request %i is answered removes nothing, and the next one is right',
    async (n) => {
      const { bench, list } = await mirrored(ROWS, MINUTE);
      for (const id of ['t000010', 't000150', 't000340']) list.remove(id);
      const cut = await cutOff(bench, list, n, { full: true });
      expect(cut.exitCode).toBe(130);
      expect(cut.report.removed).toBe(0);
      expect(cut.source.gets).toEqual([]);
      expect(mirroredTasks(bench.file)).toHaveLength(ROWS);

      const { report } = await bench.sync(list, { full: true });
      expect(report).toMatchObject({ outcome: 'ok', removed: 3, gaps: 0 });
      expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    },
  );

  test('does not let the plain run that goes on from there remove anything', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.remove('t000010');
    await cutOff(bench, list, 3, { full: true });
    expect((await bench.sync(list)).report).toMatchObject({ outcome: 'ok', removed: 0, gaps: 0 });
    expect(mirroredTasks(bench.file)).toHaveLength(ROWS);
  });
});

const countsMore = (page: ListPage): ListPage => ({ ...page, total: (page.total ?? 0) + 7 });
const silent = (page: ListPage): ListPage => ({ ...page, total: null });

describe('the alarm of the total', () => {
  test('is silent before the first full run: there is nothing to compare with', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.remove(DEEP);
    expect((await bench.sync(list)).fullAdvised).toBe(false);
  });

  test('is silent while the list only grows, and if the API counts more than it shows', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    await bench.sync(list, { full: true, answer: countsMore });
    for (let i = 0; i < 150; i += 1) list.put(completedTask(`new${i}`, EPOCH + 1_000 * i));
    expect(await bench.sync(list, { answer: countsMore })).toMatchObject({ exitCode: 0, fullAdvised: false });
  });

  test('advises a full run once a row has vanished, and is silent again after it', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    await bench.sync(list, { full: true });
    list.remove(DEEP);
    expect((await bench.sync(list)).fullAdvised).toBe(true);
    const full = await bench.sync(list, { full: true });
    expect(full).toMatchObject({ foundLateOrGone: true, report: { removed: 1 } });
    list.put(completedTask('new', EPOCH + 1_000));
    expect((await bench.sync(list)).fullAdvised).toBe(false);
  });

  test('is true for a late task, and false if only the total has moved', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.put(completedTask('new', EPOCH + 1_000));
    expect((await bench.sync(list, { full: true, answer: countsMore })).foundLateOrGone).toBe(false);
    list.put(completedTask('late', EPOCH - 10 * MINUTE));
    expect((await bench.sync(list, { full: true })).foundLateOrGone).toBe(true);
  });

  test('advises one also if a new row makes up for the one that vanished', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    await bench.sync(list, { full: true });
    list.remove(DEEP);
    list.put(completedTask('new', EPOCH + 1_000));
    expect((await bench.sync(list)).fullAdvised).toBe(true);
  });

  test('advises none if the API gives no total', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    await bench.sync(list, { full: true, answer: silent });
    list.remove(DEEP);
    list.put(completedTask('new', EPOCH + 1_000));
    expect((await bench.sync(list, { answer: silent })).fullAdvised).toBe(false);
  });
});

const reasons = ({ file }: Bench) => readRows<{ reason: string }>(file, 'select reason from rejected_rows');

describe('rejected rows', () => {
  test.each([true, false])(
    'that left the list are forgotten after a proven full run (their id was readable: %s)',
    async (withId) => {
      const bench = await syncBench();
      const list = new SimulatedList(tasksApart(ROWS, MINUTE));
      await bench.sync(list, { answer: spoil(['t000200', DEEP], { withId }) });
      expect(reasons(bench)).toHaveLength(2);
      list.remove(DEEP);

      await bench.sync(list);
      expect(reasons(bench)).toHaveLength(2);
      const { exitCode } = await bench.sync(list, { full: true, answer: spoil(['t000200'], { withId }) });
      expect(exitCode).toBe(3);
      expect(reasons(bench)).toHaveLength(1);
      expect((await bench.sync(list, { full: true })).exitCode).toBe(0);
      expect(reasons(bench)).toEqual([]);
    },
  );

  test('stay if the full run is unproven', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    await bench.sync(list, { answer: spoil([DEEP]) });
    list.remove(DEEP);
    await bench.sync(list, {
      full: true,
      answer: (page, { offset }) => (offset > 100 ? unsorted(page) : page),
    });
    expect(reasons(bench)).toHaveLength(1);
  });
});

test('the ids that a full run has seen are in a temporary table of SQLite, not in memory and not in the mirror', async () => {
  const { bench, list } = await mirrored(ROWS, MINUTE);
  const db = await openDatabase(bench.file, { create: false });
  onTestFinished(() => void db.close());
  const met: number[] = [];
  const source = memorySource(list, { beforeList: () => void met.push(sweptRows(db)) });
  await syncSource(
    { name: 'default', baseUrl: 'https://api.example' },
    { store: storeOn(db, bench), connect: () => source, clock: bench.clock, logFor: () => bench.log },
    { pageSize: 100, concurrency: 1, overlapMs: 300_000, signal: new AbortController().signal, full: true },
  );
  expect(met).toEqual([0, 100, 198, 296, ROWS]);
  expect(readRows(bench.file, "select name from sqlite_master where name like '%sweep%'")).toEqual([]);
});

function sweptRows(db: Database.Database): number {
  return db.prepare<[], number>('select count(*) from temp.sweep').pluck().get() ?? -1;
}

/** The mirror over a connection that the test can look into, without a lease. */
function storeOn(db: Database.Database, { store, clock }: Bench): MirrorStore {
  const claim = () =>
    Promise.resolve(
      new SqliteClaim({
        db,
        source: 'default',
        lease: { run: 1, hold: () => {}, release: () => {} },
        onRelease: () => {},
        upserter: createUpserter(db, new Set()),
        clock,
        searchIndex: true,
      }),
    );
  return { ...store, claim, observe: claim };
}
