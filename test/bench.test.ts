import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { spend, writtenBytes } from '../bench/measure.ts';
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

  test('is over its bound where the yardstick measured nothing', () => {
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
