import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { spend, writtenBytes } from '../bench/measure.ts';
import { API_KEY, startApi } from '../bench/api.ts';
import { tasksAtRest } from '../bench/list.ts';
import { AT_REST, move, type Movement, MOVEMENTS } from '../bench/movement.ts';
import { type Backfill, type Cell, measuredOf } from '../bench/rows/movement.ts';
import {
  lineOf,
  type Measured,
  median,
  medianOf,
  mostCatchUpRequests,
  pagesOf,
  ratioOf,
  tableOf,
  verdictOf,
} from '../bench/verdict.ts';
import { temporaryFolder } from './support/mirror.ts';
import { SimulatedList } from '../src/source/simulated/list.ts';
import { createRandom } from '../src/source/simulated/random.ts';
import { activityOf } from '../src/model/task.ts';

const figure = (part: Partial<Measured>): Measured => ({ what: 'it', unit: 'ms', ours: 1, ...part });

const oursOf = (unit: Measured['unit'], ours: number): string => lineOf(figure({ unit, ours })).ours;

describe('the median', () => {
  test('is the value in the middle, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([7])).toBe(7);
  });

  test('of an even number of values is the mean of the two in the middle', () => {
    expect(median([100, 1, 4, 2])).toBe(3);
  });

  test('compares as numbers, not as text', () => {
    expect(median([10, 9, 100])).toBe(10);
  });

  test('does not exist without values', () => {
    expect(() => median([])).toThrow(RangeError);
  });

  test('is taken of one figure of each run', () => {
    expect(medianOf([{ ms: 3 }, { ms: 1 }, { ms: 2 }], ({ ms }) => ms)).toBe(2);
  });
});

describe('a figure with a yardstick', () => {
  test('is judged by its ratio, the bound itself being kept', () => {
    const kept = figure({ ours: 8, yardstick: 10, most: 0.8 });
    expect(ratioOf(kept)).toBe(0.8);
    expect(verdictOf(kept)).toBe('ok');
    expect(verdictOf({ ...kept, ours: 8.1 })).toBe('over');
  });

  test('exceeds its bound if the yardstick measured nothing', () => {
    expect(verdictOf(figure({ ours: 1, yardstick: 0, most: 3 }))).toBe('over');
  });
});

describe('a figure without a yardstick', () => {
  test('is judged itself', () => {
    expect(verdictOf(figure({ ours: 15, most: 15 }))).toBe('ok');
    expect(verdictOf(figure({ ours: 1, most: 0 }))).toBe('over');
  });

  test('and without a bound has no verdict', () => {
    expect(verdictOf(figure({ ours: 1e9 }))).toBe('');
  });
});

describe('what a process wrote', () => {
  test.skipIf(process.platform !== 'linux')(
    'is every byte of its files, whatever became of them',
    async () => {
      const file = join(temporaryFolder(), 'file');
      const script = `
      const { rmSync, writeFileSync } = require('node:fs');
      for (const nth of [1, 2, 3]) writeFileSync(${JSON.stringify(file)}, Buffer.alloc(1e6));
      rmSync(${JSON.stringify(file)});`;
      const { writtenBytes: told } = await spend({ args: ['-e', script] });
      expect(told).toBeGreaterThanOrEqual(3e6);
      expect(told).toBeLessThan(3.1e6);
      expect(writtenBytes()).toBeGreaterThan(0);
    },
  );

  test('is not known of a process that was not asked', async () => {
    expect((await spend({ args: ['-e', '0'], onlyWall: true })).writtenBytes).toBeNull();
  });
});

describe('the arithmetic of pages', () => {
  test('a walk reads 98 new rows with each page after the first 100', () => {
    expect([0, 1, 100, 101, 198, 199].map(pagesOf)).toEqual([1, 1, 1, 2, 2, 3]);
    expect(pagesOf(20_000)).toBe(205);
  });

  test('catching up costs a request for each 98 rows that are new or in the overlap, and one more', () => {
    expect(mostCatchUpRequests(0, 0)).toBe(1);
    expect(mostCatchUpRequests(0, 8)).toBe(2);
    expect(mostCatchUpRequests(90, 8)).toBe(2);
    expect(mostCatchUpRequests(91, 8)).toBe(3);
    expect(mostCatchUpRequests(1_000, 18)).toBe(12);
  });
});

describe('the table', () => {
  test('writes each figure in its unit', () => {
    expect(oursOf('ms', 12.34)).toBe('12.3 ms');
    expect(oursOf('ms', 1_234)).toBe('1.23 s');
    expect(oursOf('us', 9.87)).toBe('9.9 us');
    expect(oursOf('bytes', 130 * 1024 ** 2)).toBe('130.0 MB');
    expect(oursOf('written', 25_432)).toBe('25.4 KB');
    expect(oursOf('written', 6.5e6)).toBe('6.5 MB');
    expect(oursOf('written', 6.5e9)).toBe('6.50 GB');
    expect(oursOf('requests', 1)).toBe('1 request');
    expect(oursOf('rows', 0)).toBe('0 rows');
  });

  test('is Markdown in aligned columns', () => {
    const table = tableOf([
      lineOf({ what: 'a run', unit: 'ms', ours: 50, yardstick: 20, most: 3 }),
      lineOf({ what: 'rows', unit: 'rows', ours: 1_200, most: 0 }),
    ]);
    expect(table.split('\n')).toEqual([
      '| what  |       ours | yardstick | ratio | at most | verdict |',
      '| ----- | ---------: | --------: | ----: | ------: | ------- |',
      '| a run |    50.0 ms |   20.0 ms |  2.50 |       3 | ok      |',
      '| rows  | 1,200 rows |           |       |  0 rows | over    |',
    ]);
  });
});

describe('a list that moves', () => {
  const TASKS = 300;
  const atRest = tasksAtRest(TASKS);
  const idsAtRest = atRest.map(({ id }) => id);

  /** A list after one move, the rows that moved, and what is left of the others, in order. */
  function afterMove(movement: Movement, seed: number) {
    const list = new SimulatedList(atRest);
    const moved = move(list, movement, createRandom(seed));
    const ids = list.all().map(({ id }) => id);
    const kept = idsAtRest.filter((id) => !moved.includes(id));
    return { list, moved, ids, kept, left: ids.filter((id) => kept.includes(id)) };
  }

  describe.each([1, 2, 3, 4, 5, 6, 7, 8])('by the chance of seed %i', (seed) => {
    test('gets new tasks at its top', () => {
      const { moved, ids } = afterMove({ created: 3 }, seed);
      expect(moved).toEqual([]);
      expect(ids.slice(3)).toEqual(idsAtRest);
    });

    test('gets new tasks beside those that it has, never in place of one', () => {
      const list = new SimulatedList(atRest);
      const random = createRandom(seed);
      for (let nth = 0; nth < 500; nth++) move(list, { created: 1 }, random);
      expect(list.all().slice(500)).toEqual(atRest);
    });

    test('has tasks with new activity at its top', () => {
      const { moved, ids, kept } = afterMove({ active: 2 }, seed);
      expect(ids).toEqual([...new Set(moved.toReversed()), ...kept]);
    });

    test('lacks the rows that vanish', () => {
      const { moved, ids, kept } = afterMove({ vanishing: 2 }, seed);
      expect(moved).toHaveLength(2);
      expect(ids).toEqual(kept);
    });

    test('has a row that sinks at most a page further down', () => {
      const { list, moved, ids, kept, left } = afterMove({ sinking: 1 }, seed);
      const [sunk = ''] = moved;
      const [before, after] = [idsAtRest.indexOf(sunk), ids.indexOf(sunk)];
      expect(left).toEqual(kept);
      expect(after - before).toBeGreaterThan(before === TASKS - 1 ? -1 : 0);
      // Below the row that it sinks to come those of the same moment.
      const ties = atRest.filter(
        (task) => activityOf(task) === activityOf(list.at(after - 1) ?? task),
      ).length;
      expect(after - before).toBeLessThan(100 + Math.max(1, ties));
    });
  });

  test('keeps the tasks that it was made of as they are', () => {
    const copy = structuredClone(atRest);
    afterMove({ created: 1, active: 9, vanishing: 9, sinking: 9 }, 1);
    expect(atRest).toEqual(copy);
  });

  test('is served by the API: moved before each answer but the first, and anew with each order', async () => {
    const api = await startApi(TASKS);
    try {
      const firstId = async (): Promise<unknown> => {
        const response = await fetch(`${api.url}/api/v1/tasks?limit=1`, {
          headers: { authorization: `Bearer ${API_KEY}` },
        });
        const { data } = (await response.json()) as { data: { id: unknown }[] };
        return data[0]?.id;
      };
      for (const seed of [1, 2]) {
        const begun = await api.tell({ movement: { created: 1, vanishing: 1, seed } });
        expect(begun).toMatchObject({ listRequests: 0, moved: [] });
        const [first, second, third] = [await firstId(), await firstId(), await firstId()];
        expect(first).toBe(idsAtRest[0]);
        expect(new Set([first, second, third]).size).toBe(3);
        const { listRequests, moved } = await api.tell({});
        expect(listRequests).toBe(3);
        expect(moved).toHaveLength(2);
      }
    } finally {
      await api.close();
    }
  });
});

describe('the figures of a list that moves', () => {
  const [kind = AT_REST] = MOVEMENTS;
  const runs = [1, 2, 3].map((nth): Backfill => ({
    requests: 103 * nth,
    rowsTwice: 100 * nth,
    ms: 50 * nth,
  }));
  const atRest = runs.slice(0, 1);
  const boundsIn = (cell: Cell): unknown[] => measuredOf(kind, cell, runs, atRest).map(({ most }) => most);

  test('are medians, against the pages, the rows and the time of the same list at rest', () => {
    const figures = measuredOf(kind, { concurrency: 4, latencyMs: 40 }, runs, atRest);
    expect(figures.map(ratioOf)).toEqual([2, 0.02, 2]);
    expect(figures.map(verdictOf)).toEqual(['over', '', 'over']);
  });

  test('have a bound on the time if several requests are under way and the API takes its time', () => {
    expect(boundsIn({ concurrency: 8, latencyMs: 40 })).toEqual([kind.requests, undefined, kind.time]);
    expect(boundsIn({ concurrency: 1, latencyMs: 40 })).toEqual([kind.requests, undefined, undefined]);
    expect(boundsIn({ concurrency: 8, latencyMs: 0 })).toEqual([kind.requests, undefined, undefined]);
  });

  test('at rest allow for no request beyond the pages', () => {
    const rest = runs.slice(0, 1).map((run) => ({ ...run, requests: 104 }));
    const [requests] = measuredOf(AT_REST, { concurrency: 4, latencyMs: 40 }, rest, rest);
    expect(requests === undefined ? undefined : verdictOf(requests)).toBe('over');
  });
});
