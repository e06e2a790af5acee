/**
 * What went wrong in other loaders of this kind, each as a test: the situation as it was reported, at its size, and the
 * mirror held against the list. Failures that passed for success are in unnoticed.test.ts.
 */
import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { mirroredTasks, readRows } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';
import { at, completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { arrive, brokenPromises, differences, syncOnly } from './situation.ts';

const MINUTE = 60_000;

/** The newest second of the list is the present of the bench's clock; 150 rows lie beyond it. */
async function ahead() {
  const bench = await syncBench();
  const now = bench.clock.now();
  const list = new SimulatedList(
    Array.from({ length: 2_000 }, (_, i) => completedTask(`t${i}`, now - i * 1_000)),
  );
  arrive(list, 150, 'future', Date.parse('2099-01-01T00:00:00Z'));
  await bench.sync(list, { overlapMs: 600_000 });
  expect(differences(bench, list)).toEqual([]);
  await bench.clock.sleep(300_000);
  return { bench, list, now };
}

describe('rows that others skipped', () => {
  test('a row updated during the walk shifts the offset, another is skipped (airbytehq/airbyte #21500)', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(1_000, MINUTE);
    const list = new SimulatedList(tasks);
    const oldest = at(EPOCH - 2_000 * MINUTE);
    const { report } = await bench.sync(list, {
      // Before each page, one row that was read sinks to the end: all below it move up by one.
      beforeList({ count }) {
        const task = tasks[count * 3];
        if (count === 1 || task === undefined) return;
        const running = { status: 'running', createdAt: oldest, startedAt: oldest, completedAt: null };
        list.put({ ...task, ...running, lastActivityAt: oldest });
      },
    });
    expect(report).toMatchObject({ outcome: 'ok', verdict: 'repaired', gaps: 0 });
    expect(differences(bench, list)).toEqual([]);
  });

  test('a stored offset on a newest-first list skips rows permanently once rows are inserted (openlinker PR 2032)', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(1_000, MINUTE));
    let left = 1;
    for (let tick = 1; tick <= 12 && left > 0; tick += 1) {
      ({ gaps: left } = (await syncOnly(bench, list, 3)).report);
      if (left > 0) arrive(list, 40, `tick${tick}`, EPOCH + tick * 10 * MINUTE);
    }
    expect(left).toBe(0);
    expect(differences(bench, list)).toEqual([]);
  });

  describe('a checkpoint inside a group of ties loses the rest of the group', () => {
    test('500 of 1,500 rows of one moment, after a limit of 1,000 (lakeflow-community-connectors PR 249)', async () => {
      const bench = await syncBench();
      const list = new SimulatedList(Array.from({ length: 1_500 }, (_, i) => completedTask(`c${i}`, EPOCH)));
      const { report } = await syncOnly(bench, list, 10);
      expect(report).toMatchObject({ outcome: 'interrupted', gaps: 1, completeThrough: null });
      expect((await bench.sync(list)).report).toMatchObject({ outcome: 'ok', gaps: 0 });
      expect(differences(bench, list)).toEqual([]);
    });

    test.each([3, 4, 5, 6, 7, 8])(
      'a group in the middle of the list, after a stop at page %i (airbytehq/airbyte #15427)',
      async (pages) => {
        const bench = await syncBench();
        const ties = Array.from({ length: 500 }, (_, i) =>
          completedTask(`tie${i}`, EPOCH - 300 * MINUTE - 1),
        );
        const list = new SimulatedList([...tasksApart(600, MINUTE), ...ties]);
        expect((await syncOnly(bench, list, pages)).report).toMatchObject({ gaps: 1, completeThrough: null });
        expect((await bench.sync(list)).report).toMatchObject({ outcome: 'ok', gaps: 0 });
        expect(differences(bench, list)).toEqual([]);
      },
    );

    test('rows of the very moment of the watermark that come after it was set (airbytehq/airbyte #15427)', async () => {
      const bench = await syncBench();
      const list = new SimulatedList(tasksApart(300, MINUTE));
      await bench.sync(list);
      for (let i = 0; i < 150; i += 1) list.put(completedTask(`same-moment${i}`, EPOCH));
      await bench.sync(list);
      expect(differences(bench, list)).toEqual([]);
    });
  });

  describe('future-dated rows were dropped, and lookback never reached the stop test (Airbyte data feeds)', () => {
    test('rows from the future are mirrored, and hide nothing that comes after them', async () => {
      const { bench, list, now } = await ahead();
      arrive(list, 250, 'new', now);
      await bench.sync(list);
      expect(differences(bench, list)).toEqual([]);
    });

    test('a run reads down through the overlap before it stops, though a page of the future comes first', async () => {
      const { bench, list, now } = await ahead();
      list.put(completedTask('late', now - 599_999));
      arrive(list, 1, 'new', now);
      const { report } = await bench.sync(list, { overlapMs: 600_000 });
      expect(differences(bench, list)).toEqual([]);
      // Not the whole list either: the stop test is reached.
      expect(report.requests).toBeLessThan(12);
    });
  });
});

describe('watermarks that promised too much', () => {
  test("the last page's highest value became the watermark of an unfinished descent (PostHog PR 30693)", async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(1_000, MINUTE));
    const { report } = await syncOnly(bench, list, 5);
    expect(report).toMatchObject({ outcome: 'interrupted', completeThrough: null, gaps: 1 });
    arrive(list, 120, 'new', EPOCH);
    expect((await bench.sync(list)).report).toMatchObject({ kind: 'backfill', outcome: 'ok', gaps: 0 });
    expect(differences(bench, list)).toEqual([]);
  });

  test('and of an unfinished descent to an older watermark (PostHog PR 30693)', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(300, MINUTE));
    await bench.sync(list);
    arrive(list, 500, 'new', EPOCH);
    const { report } = await syncOnly(bench, list, 2);
    expect(report.gaps).toBe(1);
    expect(await brokenPromises(bench, list)).toEqual([]);
    expect(Date.parse(report.completeThrough ?? '')).toBeLessThanOrEqual(EPOCH);
    arrive(list, 120, 'newer', EPOCH + 500_000);
    await bench.sync(list);
    expect(differences(bench, list)).toEqual([]);
  });

  test('a limit of one page in descending order put the watermark at the top: a permanent hole (dlt, row_order desc)', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(1_000, MINUTE));
    for (let run = 1; run <= 5; run += 1) {
      expect((await syncOnly(bench, list, 1)).report.gaps).toBeGreaterThan(0);
      expect(await brokenPromises(bench, list)).toEqual([]);
      arrive(list, 150, `run${run}`, EPOCH + run * 10 * MINUTE);
    }
    expect((await bench.sync(list)).report).toMatchObject({ outcome: 'ok', gaps: 0 });
    expect(differences(bench, list)).toEqual([]);
  });

  test('a run in several attempts lost its watermark and re-read all history (PostHog PR 101811)', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(3_000, MINUTE));
    let requests = 0;
    for (const pages of [9, 9, 9, Infinity]) requests += (await syncOnly(bench, list, pages)).report.requests;
    expect(differences(bench, list)).toEqual([]);
    // 31 pages, and for each further attempt the head and the pages, at most four, that were in flight.
    expect(requests).toBeLessThanOrEqual(31 + 3 * 5);
    expect((await bench.sync(list)).report).toMatchObject({ requests: 1, completeThrough: at(EPOCH) });

    arrive(list, 1_000, 'new', EPOCH);
    await syncOnly(bench, list, 5);
    expect((await bench.sync(list)).report.requests).toBeLessThanOrEqual(11 - 5 + 3);
    expect(differences(bench, list)).toEqual([]);
    expect((await bench.sync(list)).report.requests).toBe(1);
  });
});

describe('rows that others removed', () => {
  test('resume from page N, then "not seen in this run" removed the prefix (Nango templates PR 646)', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(1_000, MINUTE));
    await syncOnly(bench, list, 6);
    list.remove('t000003');
    expect((await syncOnly(bench, list, 4, { full: true })).report.removed).toBe(0);
    // The rest of the list is read by a run that resumes, and it removes nothing ...
    expect((await bench.sync(list)).report).toMatchObject({ outcome: 'ok', removed: 0, gaps: 0 });
    expect(mirroredTasks(bench.file)).toHaveLength(1_000);
    // ... and the next full run begins at the top again.
    expect((await bench.sync(list, { full: true })).report).toMatchObject({ outcome: 'ok', removed: 1 });
    expect(differences(bench, list)).toEqual([]);
  });

  test('21,000 rows became 1,000 after a partial full sync (meltano/sdk #2103)', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(21_000, MINUTE));
    await bench.sync(list);
    const live = () => readRows(bench.file, 'select count(*) as n from tasks where removed_at is null');

    await syncOnly(bench, list, 10, { full: true });
    expect(live()).toEqual([{ n: 21_000 }]);
    // The list itself says that there is no more.
    const rest = new SimulatedList(tasksApart(1_000, MINUTE));
    const { report, exitCode } = await bench.sync(rest, { full: true });
    expect([exitCode, report.error]).toEqual([7, expect.stringContaining('20,000 of 21,000 mirrored tasks')]);
    // And a list that breaks off there.
    const broken = await bench.sync(list, {
      full: true,
      answer: (page, { offset }) => (offset < 1_000 ? page : { ...page, rows: [], hasMore: true }),
    });
    expect([broken.exitCode, broken.report.verdict]).toEqual([3, 'unproven']);
    expect(live()).toEqual([{ n: 21_000 }]);
  });
});
