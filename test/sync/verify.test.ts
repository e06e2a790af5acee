import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { apiFailed } from '../support/errors.ts';
import type { TaskSource } from '../../src/source/source.ts';
import { ledgerProblems } from '../../src/model/ledger.ts';
import { verifySource } from '../../src/sync/verify.ts';
import { type MemoryOptions, memorySource } from '../support/memory-source.ts';
import { readRows } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, runningTask, tasksApart } from '../support/tasks.ts';

const MINUTE = 60_000;

const verify = (
  bench: Bench,
  list: SimulatedList,
  { get, ...options }: MemoryOptions & { get?: TaskSource['get'] } = {},
) =>
  verifySource(
    { name: 'default', baseUrl: 'https://api.example' },
    { store: bench.store, source: { ...memorySource(list, options), ...(get && { get }) } },
    { pageSize: 100, concurrency: 4, signal: new AbortController().signal },
  );

/** Changes the mirror behind its back. */
const spoil = (bench: Bench, sql: string): void => {
  const db = new Database(bench.file);
  db.exec(sql);
  db.close();
};

async function mirrored(count = 450): Promise<{ bench: Bench; list: SimulatedList }> {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(count, MINUTE));
  await bench.sync(list);
  return { bench, list };
}

describe('verify', () => {
  test('finds nothing in a mirror that is exact, and compares each row once', async () => {
    const { bench, list } = await mirrored();
    expect(await verify(bench, list)).toMatchObject({ ok: true, rowsCompared: 450, moved: 0, problems: [] });
  });

  test('reads pages ahead, as a sync does', async () => {
    const { bench, list } = await mirrored(2_000);
    let underWay = 0;
    let most = 0;
    const beforeList = async () => {
      most = Math.max(most, (underWay += 1));
      await setImmediate();
      underWay -= 1;
    };
    expect(await verify(bench, list, { beforeList })).toMatchObject({ ok: true, rowsCompared: 2_000 });
    expect(most).toBe(4);
  });

  test('tells a row that is missing', async () => {
    const { bench, list } = await mirrored();
    spoil(bench, "delete from tasks where id = 't000200'");
    const report = await verify(bench, list);
    expect(report).toMatchObject({ ok: false, missing: { count: 1, first: [{ id: 't000200' }] } });
  });

  test('tells a row that is removed in the mirror but alive in the list', async () => {
    const { bench, list } = await mirrored();
    spoil(bench, "update tasks set removed_at = last_activity_at where id = 't000200'");
    const report = await verify(bench, list);
    expect(report.different).toEqual({ count: 1, first: [{ id: 't000200', fields: ['removed_at'] }] });
  });

  test('tells the fields of a row that differ', async () => {
    const { bench, list } = await mirrored();
    spoil(bench, "update tasks set message = 'other', message_count = 99 where id = 't000200'");
    const report = await verify(bench, list);
    expect(report.different).toEqual({
      count: 1,
      first: [{ id: 't000200', fields: ['message', 'messageCount'] }],
    });
  });

  test('tells a row that the list no longer has, once the API says that it is gone', async () => {
    const { bench, list } = await mirrored();
    list.remove('t000200');
    expect(await verify(bench, list)).toMatchObject({
      ok: false,
      extra: { count: 1, first: [{ id: 't000200' }] },
    });
  });

  test('reports rows that are not listed and whose existence the API does not confirm', async () => {
    const { bench, list } = await mirrored();
    for (const id of ['t000200', 't000201', 't000202']) list.remove(id);
    const report = await verify(bench, list, {
      async get(id) {
        if (id === 't000201') return null;
        throw apiFailed(`GET ${id}: HTTP 403`);
      },
    });
    expect(report).toMatchObject({ ok: false, moved: 0, extra: { count: 1, first: [{ id: 't000201' }] } });
    expect(report.problems).toEqual([
      'the list does not show 2 mirrored tasks, and the API does not say whether they exist; the first: GET t000200: HTTP 403',
    ]);
  });

  test('fails if the list fails as well', async () => {
    const { bench, list } = await mirrored();
    list.remove('t000200');
    const down = verify(bench, list, {
      get: () => Promise.reject(apiFailed('GET: HTTP 503')),
      beforeList({ count }) {
        if (count > 5) throw apiFailed('the list: HTTP 503');
      },
    });
    await expect(down).rejects.toThrow('the list: HTTP 503');
  });

  test('does not call wrong what the mirror cannot know yet: newer rows, and open tasks that went on', async () => {
    const bench = await syncBench();
    const open = runningTask('open', EPOCH - 200 * MINUTE - 1);
    const list = new SimulatedList([...tasksApart(300, MINUTE), open]);
    await bench.sync(list);
    list.put(completedTask('new', EPOCH + MINUTE));
    list.put({ ...open, status: 'awaiting_approval' });
    expect(await verify(bench, list)).toMatchObject({ ok: true, moved: 2 });
  });

  test('does not call extra what moved to the top while the list was read', async () => {
    const { bench, list } = await mirrored();
    const report = await verify(bench, list, {
      beforeList({ count }) {
        if (count === 2) list.put(completedTask('t000300', EPOCH + MINUTE));
      },
    });
    expect(report).toMatchObject({ ok: true, extra: { count: 0 } });
  });

  test('reports an interrupted backfill, and an empty mirror', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(500, MINUTE));
    expect(await verify(bench, list)).toMatchObject({
      ok: false,
      moved: 0,
      problems: [expect.stringMatching(/^500 rows are not mirrored yet/)],
    });
    await bench.sync(list, {
      beforeList({ offset }) {
        if (offset > 0) throw new Error('the API is down');
      },
    });
    expect(await verify(bench, list)).toMatchObject({
      ok: false,
      moved: 0,
      problems: [expect.stringMatching(/^400 rows are not mirrored yet/)],
    });
    await bench.sync(list);
    expect(await verify(bench, list)).toMatchObject({ ok: true, moved: 0, problems: [] });
  });

  test('reports that the list could not be read to its end, and calls nothing extra', async () => {
    const { bench, list } = await mirrored();
    const report = await verify(bench, list, {
      answer: (page, { offset }) => (offset < 150 ? page : { ...page, rows: [], hasMore: true }),
    });
    expect(report).toMatchObject({ ok: false, extra: { count: 0 } });
    expect(report.problems.join(' ')).toContain('could not be read to its end');
  });

  test('writes nothing and needs no lease', async () => {
    const { bench, list } = await mirrored();
    const claim = await bench.store.claim({ name: 'default', baseUrl: 'https://api.example' });
    const before = readRows(bench.file, 'select * from sqlite_master, sources, sync_runs, leases');
    list.remove('t000200');
    await verify(bench, list);
    expect(readRows(bench.file, 'select * from sqlite_master, sources, sync_runs, leases')).toEqual(before);
    await claim.release();
  });

  test('finds a ledger that cannot be', () => {
    expect(ledgerProblems({ watermark: 10, gaps: [{ lower: 2, upper: 5 }] })).toEqual([]);
    expect(ledgerProblems({ watermark: 10, gaps: [{ lower: 2, upper: 11 }] })).toHaveLength(1);
    expect(ledgerProblems({ watermark: 10, gaps: [{ lower: 5, upper: 5 }] })).toHaveLength(1);
    expect(
      ledgerProblems({
        watermark: 10,
        gaps: [
          { lower: 2, upper: 9 },
          { lower: null, upper: 4 },
        ],
      }),
    ).toHaveLength(1);
  });
});
