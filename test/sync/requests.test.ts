import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { arrive, differences } from '../failures/situation.ts';
import { syncBench } from '../support/sync.ts';
import { EPOCH, tasksApart } from '../support/tasks.ts';

const MINUTE = 60_000;
const CONCURRENCY = [1, 4, 32];
const pagesOf = (rows: number): number => 1 + Math.max(0, Math.ceil((rows - 100) / 98));

describe.each(CONCURRENCY)('with %i requests under way at once', (concurrency) => {
  test.each([1, 99, 100, 101, 198, 199, 1_000, 2_059])(
    'a backfill and a full run of %i tasks ask for each page once, and for none beyond the end',
    async (count) => {
      const bench = await syncBench();
      const list = new SimulatedList(tasksApart(count, MINUTE));
      const backfill = await bench.sync(list, { concurrency });
      expect(backfill.source.lists).toEqual(Array.from({ length: pagesOf(count) }, (_, page) => page * 98));
      const full = await bench.sync(list, { concurrency, full: true });
      // The closing walk reads the first page once more.
      expect(full.report.requests).toBe(pagesOf(count) + 1);
      expect(full.report).toMatchObject({ verdict: 'clean', unchanged: full.report.rowsSeen });
    },
  );

  test.each([1, 50, 96, 97, 98, 194, 195, 500, 1_175, 3_000])(
    'catching up after %i new tasks takes ceil((new + overlap) / 98) + 1 list requests at most',
    async (count) => {
      const bench = await syncBench();
      const list = new SimulatedList(tasksApart(2_000, MINUTE));
      await bench.sync(list, { concurrency });
      arrive(list, count, 'new', EPOCH);
      const { report } = await bench.sync(list, { concurrency });
      const overlap = 6; // Five minutes, and the watermark's own row.
      expect(report.requests).toBeLessThanOrEqual(Math.ceil((count + overlap) / 98) + 1);
      expect(report.inserted).toBe(count);
      expect(differences(bench, list)).toEqual([]);
    },
  );

  test('catching up after tasks that were active again asks for nothing that it does not need', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(2_000, MINUTE);
    const list = new SimulatedList(tasks);
    await bench.sync(list, { concurrency });
    for (const [i, task] of tasks.slice(500, 800).entries()) {
      const lastActivityAt = new Date(EPOCH + 1_000 * (i + 1)).toISOString();
      list.put({ ...task, completedAt: lastActivityAt, lastActivityAt });
    }
    const { report } = await bench.sync(list, { concurrency });
    expect(report).toMatchObject({ updated: 300, inserted: 0 });
    expect(report.requests).toBeLessThanOrEqual(Math.ceil((300 + 6) / 98) + 1);
  });
});

test('a run that ends early leaves no request behind', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(3_000, MINUTE));
  let underWay = 0;
  const { report } = await bench.sync(list, {
    concurrency: 8,
    async beforeList({ count }) {
      if (count === 12) throw new Error('the API failed');
      underWay += 1;
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
    },
  });
  expect(report.outcome).toBe('failed');
  expect(underWay).toBe(0);
  expect(report.inserted).toBeGreaterThan(500);
});
