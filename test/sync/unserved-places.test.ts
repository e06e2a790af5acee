/** APIs that cannot serve some places of the list: rows that fail, pages that are too large, offsets that are refused. */
import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { pageFailed } from '../support/errors.ts';
import { brokenPromises, differences } from '../failures/situation.ts';
import type { ListRequest } from '../support/memory-source.ts';
import { mirroredTasks } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';

const MINUTE = 60_000;
const ROWS = 1_000;

const refused = (isTooLarge = false) => pageFailed('HTTP 500', { isTooLarge });

/** Fails each page that holds one of these tasks, as the list stands then. */
const failsOn =
  (list: SimulatedList, ids: readonly string[]) =>
  ({ offset, limit }: ListRequest): void => {
    const { data } = list.page({ offset, limit });
    if (data.some(({ id }) => ids.includes(id))) throw refused();
  };

const idOf = (place: number): string => `t${String(place).padStart(6, '0')}`;
const missing = (bench: Bench, list: SimulatedList): string[] => differences(bench, list).toSorted();

describe.each([1, 4])('a row on which the API always fails, %i requests at once', (concurrency) => {
  test.each([
    ['in the middle', [555]],
    ['the very first', [0]],
    ['the second', [1]],
    ['the third', [2]],
    ['the last', [999]],
    ['the last but one', [998]],
    ['the last of the first page', [99]],
    ['the last but one of the first page', [98]],
    ['first after the first page', [100]],
    ['two, next to each other', [555, 556]],
    ['two, with one row between', [555, 557]],
    ['two, with two rows between', [555, 558]],
    ['two on one page', [555, 580]],
    ['two, a page apart', [300, 400]],
    ['the first, and the first of the next page', [0, 100]],
    ['a stretch of 37', Array.from({ length: 37 }, (_, i) => 400 + i)],
    ['a stretch longer than a page', Array.from({ length: 250 }, (_, i) => 400 + i)],
    ['all from 700 on', Array.from({ length: 300 }, (_, i) => 700 + i)],
  ])('%s: all others come, a gap stays, and closes once it is served', async (_, places) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    const bad = places.map(idOf);
    const beforeList = failsOn(list, bad);
    for (const full of [false, false, true]) {
      const { report, exitCode } = await bench.sync(list, { concurrency, beforeList, full });
      expect(exitCode).toBe(3);
      expect(report).toMatchObject({ verdict: 'unproven', removed: 0 });
      expect(report.gaps).toBeGreaterThan(0);
      expect(report.requests).toBeLessThan(100);
      expect(missing(bench, list)).toEqual(bad);
      expect(await brokenPromises(bench, list)).toEqual([]);
    }
    expect(bench.log.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: expect.stringMatching(/cannot serve the list from offset \d+ to .*: HTTP 500/),
      }),
    );
    expect(await bench.sync(list, { concurrency })).toMatchObject({ exitCode: 0, report: { gaps: 0 } });
    expect(differences(bench, list)).toEqual([]);
  });

  test('is passed over also if new tasks push it down between any two requests', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    const fail = failsOn(list, ['t000555']);
    let made = 0;
    await bench.sync(list, {
      concurrency,
      beforeList(request) {
        if (made === 2_000) throw new Error('the run does not end');
        list.put(completedTask(`new${(made += 1)}`, EPOCH + made * 1_000));
        fail(request);
      },
    });
    expect(await brokenPromises(bench, list)).toEqual([]);
    await bench.sync(list, { beforeList: fail });
    expect(missing(bench, list)).toEqual(['t000555']);
  });

  test('keeps its mirrored version, and is not removed', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    await bench.sync(list);
    const { exitCode, report } = await bench.sync(list, {
      concurrency,
      full: true,
      beforeList: failsOn(list, ['t000555']),
      details: new SimulatedList(),
    });
    expect([exitCode, report.removed]).toEqual([3, 0]);
    expect(mirroredTasks(bench.file)).toHaveLength(ROWS);
  });

  test('costs a quiet run nothing if it lies below', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    await bench.sync(list);
    const { exitCode, report } = await bench.sync(list, {
      concurrency,
      beforeList: failsOn(list, ['t000555']),
    });
    expect([exitCode, report.requests]).toEqual([0, 1]);
  });
});

describe.each([1, 4])('offsets, %i requests at once', (concurrency) => {
  test.each([95, 100, 500, 555])('from %i on refused: all above come, and the run ends', async (most) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    const { exitCode, report } = await bench.sync(list, {
      concurrency,
      beforeList({ offset }) {
        if (offset > most) throw refused();
      },
    });
    expect(exitCode).toBe(3);
    expect(report.inserted).toBeGreaterThan(most);
    expect(report.requests).toBeLessThan(80);
    expect(await brokenPromises(bench, list)).toEqual([]);
  });

  test('plus limit above 500 refused: the 500 rows above come', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    const { exitCode, report } = await bench.sync(list, {
      concurrency,
      beforeList({ offset, limit }) {
        if (offset + limit > 500) throw refused();
      },
    });
    expect([exitCode, report.inserted]).toEqual([3, 500]);
  });
});

/** Fails pages of more than 1,000 units; a task weighs one unless told otherwise. */
const heavy =
  (list: SimulatedList, weights: Record<string, number>, each = 1) =>
  ({ offset, limit }: ListRequest): void => {
    const { data } = list.page({ offset, limit });
    const weight = data.reduce((sum, { id }) => sum + (weights[id] ?? each), 0);
    if (weight > 1_000) throw refused(true);
  };

describe.each([1, 4])('a page that is too large, %i requests at once', (concurrency) => {
  test.each([11, 20, 90, 150, 300, 400])(
    'is asked for in halves, which are kept: tasks of %i per mille each',
    async (each) => {
      const bench = await syncBench();
      const list = new SimulatedList(tasksApart(ROWS, MINUTE));
      const limits: number[] = [];
      const fail = heavy(list, {}, each);
      const { exitCode } = await bench.sync(list, {
        concurrency,
        beforeList(request) {
          limits.push(request.limit);
          fail(request);
        },
      });
      expect(exitCode).toBe(0);
      expect(differences(bench, list)).toEqual([]);
      // Those that were under way at once may all be too large; after that, none is asked for.
      const tooMany = limits.filter((limit) => limit * each > 1_000);
      expect(tooMany.length).toBeLessThan(12 * concurrency);
    },
  );

  test('for the sake of one huge row leaves out that row only, and the page size is as before below it', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    const limits: number[] = [];
    const fail = heavy(list, { t000555: 2_000 });
    const { exitCode } = await bench.sync(list, {
      concurrency,
      beforeList(request) {
        limits.push(request.limit);
        fail(request);
      },
    });
    expect(exitCode).toBe(3);
    expect(missing(bench, list)).toEqual(['t000555']);
    expect(limits.at(-1)).toBe(100);
    expect(limits.length).toBeLessThan(50);
  });
});

describe('a limit that the API does not take', () => {
  test.each([10, 50, 64])('above %i: smaller pages are asked for, and all rows come', async (most) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(300, MINUTE));
    const { exitCode, report } = await bench.sync(list, {
      beforeList({ limit }) {
        if (limit > most) throw refused();
      },
    });
    expect([exitCode, report.gaps]).toEqual([0, 0]);
    expect(differences(bench, list)).toEqual([]);
    expect(report.requests).toBeLessThan(60);
  });
});

describe('an API that serves nothing', () => {
  test.each([1, 4])('fails the run as ever, with a few requests more: %i at once', async (concurrency) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    const { exitCode, report } = await bench.sync(list, {
      concurrency,
      beforeList() {
        throw refused();
      },
    });
    expect(exitCode).toBe(5);
    expect(report.requests).toBeLessThanOrEqual(1 + 3);
  });

  test('from the fifth request on fails the run, and the next one goes on', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    const { exitCode, report } = await bench.sync(list, {
      beforeList({ count }) {
        if (count > 4) throw refused();
      },
    });
    expect(exitCode).toBe(5);
    expect(report.requests).toBeLessThanOrEqual(13);
    expect((await bench.sync(list)).exitCode).toBe(0);
    expect(differences(bench, list)).toEqual([]);
  });

  test('while one page was read, and serves again then, costs no row', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, MINUTE));
    const { exitCode } = await bench.sync(list, {
      concurrency: 1,
      beforeList({ count }) {
        if (count === 5) throw refused();
      },
    });
    expect(exitCode).toBe(0);
    expect(differences(bench, list)).toEqual([]);
  });
});
