import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { InterruptedError } from '../../src/model/errors.ts';
import { apiFailed } from '../support/errors.ts';
import type { ListPage, TaskSource } from '../../src/source/source.ts';
import { type SyncOptions, syncSource } from '../../src/sync/sync.ts';
import { type MemoryOptions, memorySource } from '../support/memory-source.ts';
import { inMirrorOrder, mirroredTasks, readRows } from '../support/mirror.ts';
import type { Bench } from '../support/sync.ts';
import { at, completedTask, EPOCH } from '../support/tasks.ts';
import { endless, mirrored, unsorted } from './mirrored.ts';
import { withExitCode } from '../support/told.ts';

const MINUTE = 60_000;
/** Four pages of 100 that overlap by two rows; request 5 of a full run is the closing walk. */
const ROWS = 350;
const CLOSING = 5;

const isLive = ({ file }: Bench, id: string): boolean => mirroredTasks(file).some((task) => task.id === id);

/** A full run of an API whose list and whose answers to GET need not agree. */
async function fullRun(
  bench: Bench,
  list: SimulatedList,
  { get, ...options }: MemoryOptions & Partial<SyncOptions> & { get: TaskSource['get'] },
) {
  const source = memorySource(list, options);
  const gets: string[] = [];
  const connect = (): TaskSource => ({
    ...source,
    get: (id, context) => {
      gets.push(id);
      return get(id, context);
    },
  });
  const result = await syncSource(
    { name: 'default', baseUrl: 'https://api.example' },
    { store: bench.store, connect, clock: bench.clock, logFor: () => bench.log },
    {
      pageSize: 100,
      concurrency: 4,
      overlapMs: 300_000,
      signal: new AbortController().signal,
      full: true,
      ...options,
    },
  );
  return { ...withExitCode(result), gets };
}

/** Answers GET from another list than the one that is walked. */
function detailsFrom(list: SimulatedList): TaskSource['get'] {
  const source = memorySource(list);
  return (id, context) => source.get(id, context);
}

const notFound: TaskSource['get'] = async () => null;

const failsForTheLast: TaskSource['get'] = async (id) => {
  if (id === 't000012') throw apiFailed('HTTP 503');
  return null;
};

describe('a row is removed', () => {
  test('once a proven walk and a closing walk have not seen it and the API answers 404', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.remove('t000010');
    const { report, gets, exitCode } = await fullRun(bench, list, { get: notFound });
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ outcome: 'ok', verdict: 'clean', removed: 1 });
    expect(gets).toEqual(['t000010']);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('also after a walk that had to be repaired', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    const { report } = await fullRun(bench, list, {
      get: notFound,
      beforeList({ count }) {
        if (count === 3) for (let i = 10; i < 20; i += 1) list.remove(`t0000${i}`);
        if (count === 1) list.remove('t000200');
      },
    });
    // The ten were met before they vanished: the next full run finds them gone.
    expect(report).toMatchObject({ verdict: 'repaired', removed: 1 });
    expect((await bench.sync(list, { full: true })).report.removed).toBe(10);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });
});

describe('nothing is removed', () => {
  test.each<[string, (page: ListPage) => ListPage]>([
    ['is not sorted', unsorted],
    ['has no end', endless],
  ])('if the walk is unproven because the list below %s', async (_, spoil) => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.remove('t000010');
    const { report, gets, exitCode } = await fullRun(bench, list, {
      get: notFound,
      answer: (page, { offset }) => (offset > 200 ? spoil(page) : page),
    });
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({ outcome: 'partial', verdict: 'unproven', removed: 0 });
    expect(report.error).toMatch(/gave up|not sorted/);
    expect(gets).toEqual([]);
    expect(isLive(bench, 't000010')).toBe(true);
    expect((await bench.store.status())[0]?.lastCleanFullAt).toBeNull();
  });

  test('if the closing walk is unproven', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.remove('t000010');
    const { report, gets } = await fullRun(bench, list, {
      get: notFound,
      answer: (page, { count }) => (count >= CLOSING ? unsorted(page) : page),
    });
    expect(report).toMatchObject({ outcome: 'partial', verdict: 'unproven', removed: 0 });
    expect(gets).toEqual([]);
    expect(isLive(bench, 't000010')).toBe(true);
  });

  test('of a row that the full walk missed because it rose to the top, and that the closing walk meets', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    const risen = completedTask('t000300', EPOCH + 1_000);
    const { report, gets } = await fullRun(bench, list, {
      get: notFound,
      beforeList: ({ count }) => (count === 3 ? list.put(risen) : undefined),
    });
    expect(report).toMatchObject({ outcome: 'ok', verdict: 'clean', removed: 0, updated: 1 });
    expect(gets).toEqual([]);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('of rows that rose to the top, however many pages of them the closing walk has to read', async () => {
    const { bench, list } = await mirrored(900, MINUTE);
    const { report, gets } = await fullRun(bench, list, {
      get: notFound,
      beforeList({ count }) {
        if (count !== 3) return;
        for (let i = 400; i < 700; i += 1) list.put(completedTask(`t000${i}`, EPOCH + i));
      },
    });
    expect(report).toMatchObject({ removed: 0, updated: 300 });
    expect(gets).toEqual([]);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('of a row that the list does not show but GET still gives, and what GET says of it is kept', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    const hidden = { ...completedTask('t000010', EPOCH - 10 * MINUTE), status: 'cancelled', messageCount: 9 };
    list.remove('t000010');
    const get = detailsFrom(new SimulatedList([hidden]));
    const { report, gets } = await fullRun(bench, list, { get });
    expect(report).toMatchObject({ outcome: 'ok', removed: 0, updated: 1 });
    expect(gets).toEqual(['t000010']);
    // GET tells no message count, so the one that the list gave stays.
    expect(mirroredTasks(bench.file).find(({ id }) => id === 't000010')).toEqual({
      ...hidden,
      messageCount: 2,
    });
  });

  test('of a list that is suddenly empty, even with the override, if GET still gives the tasks', async () => {
    const { bench, list } = await mirrored(15, MINUTE);
    const { report, gets } = await fullRun(bench, new SimulatedList(), {
      get: detailsFrom(list),
      allowRemovals: true,
    });
    expect(report).toMatchObject({ outcome: 'ok', removed: 0 });
    expect(gets).toHaveLength(15);
    expect(mirroredTasks(bench.file)).toHaveLength(15);
  });

  test('of a row that GET gives in a form that cannot be read; it is kept and set aside', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.remove('t000010');
    const rejected = { id: 't000010', payload: '{}', reason: 'status: expected text' };
    const { report, exitCode } = await fullRun(bench, list, { get: async () => ({ rejected }) });
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({ outcome: 'partial', removed: 0, rejected: 1 });
    expect(isLive(bench, 't000010')).toBe(true);
    expect(readRows(bench.file, 'select task_id, reason from rejected_rows')).toEqual([
      { task_id: 't000010', reason: 'status: expected text' },
    ]);
  });

  test('of a row whose GET fails: it is set aside with the reason, and the next run is right', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    for (const id of ['t000010', 't000011', 't000012']) list.remove(id);
    const { report, exitCode } = await fullRun(bench, list, { get: failsForTheLast });
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({ outcome: 'partial', removed: 2, rejected: 1 });
    expect(report.error).toMatch(/HTTP 503$/);
    expect(isLive(bench, 't000012')).toBe(true);

    expect((await bench.sync(list, { full: true })).report).toMatchObject({ outcome: 'ok', removed: 1 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('if every GET fails, and then the list: the run fails, and the next one is right', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    for (const id of ['t000010', 't000011', 't000012']) list.remove(id);
    const { report, exitCode } = await fullRun(bench, list, {
      get: () => Promise.reject(apiFailed('HTTP 503')),
      beforeList({ count }) {
        if (count > CLOSING) throw apiFailed('the list: HTTP 503');
      },
    });
    expect(exitCode).toBe(5);
    expect(report).toMatchObject({ outcome: 'failed', removed: 0, error: 'the list: HTTP 503' });
    expect(mirroredTasks(bench.file)).toHaveLength(ROWS);
    expect(readRows(bench.file, 'select * from rejected_rows')).toEqual([]);

    expect((await bench.sync(list, { full: true })).report).toMatchObject({ outcome: 'ok', removed: 3 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('if a GET fails of a fault in the program, which is no failure of the API', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.remove('t000010');
    const { report, exitCode } = await fullRun(bench, list, {
      get: () => Promise.reject(new TypeError('a bug')),
    });
    expect([exitCode, report.outcome, report.removed]).toEqual([1, 'failed', 0]);
  });

  test('if somebody stops the run between the walk and the removal', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.remove('t000010');
    const stop = new AbortController();
    const get: TaskSource['get'] = async (_, { signal }) => {
      stop.abort(new InterruptedError('stop'));
      signal.throwIfAborted();
      return null;
    };
    const { report, exitCode } = await fullRun(bench, list, { get, signal: stop.signal });
    expect(exitCode).toBe(130);
    expect(report).toMatchObject({ outcome: 'interrupted', removed: 0 });
    expect(isLive(bench, 't000010')).toBe(true);
  });
});

describe('a removal', () => {
  test('is soft and journaled, and undone when the row returns', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    const task = completedTask('t000010', EPOCH - 10 * MINUTE);
    list.remove('t000010');
    await bench.sync(list, { full: true });
    const removedAt = at(bench.clock.now());
    const row = () => readRows(bench.file, "select removed_at, message from tasks where id = 't000010'");
    expect(row()).toEqual([{ removed_at: removedAt, message: 'Task t000010' }]);
    expect((await bench.store.status())[0]).toMatchObject({ liveRows: ROWS - 1, removedRows: 1 });

    list.put(task);
    const { report } = await bench.sync(list, { full: true });
    expect(report).toMatchObject({ inserted: 0, updated: 1, removed: 0 });
    expect(row()).toEqual([{ removed_at: null, message: 'Task t000010' }]);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    expect(
      readRows(bench.file, 'select task_id, field, old_value, new_value, observed_at from task_changes'),
    ).toEqual([
      {
        task_id: 't000010',
        field: 'removed_at',
        old_value: null,
        new_value: removedAt,
        observed_at: removedAt,
      },
      {
        task_id: 't000010',
        field: 'removed_at',
        old_value: removedAt,
        new_value: null,
        observed_at: removedAt,
      },
    ]);
  });

  test('is not repeated: a row that is removed is asked for no more', async () => {
    const { bench, list } = await mirrored(ROWS, MINUTE);
    list.remove('t000010');
    await bench.sync(list, { full: true });
    const { report, source } = await bench.sync(list, { full: true });
    expect(report.removed).toBe(0);
    expect(source.gets).toEqual([]);
  });
});
