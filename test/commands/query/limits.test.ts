import { expect, it } from 'vitest';
import { limitRows, parseMaxRows } from '../../../src/cli/commands/query/limits.ts';
import { allRows } from '../../../src/reports/ask.ts';
import { batchesOf } from '../../support/batches.ts';
import { UsageError } from '../../../src/model/errors.ts';

it.each(['', '0', '-1', '1.5', '1e3', 'ten', '10000000000'])('--max-rows "%s" is refused', (text) => {
  expect(() => parseMaxRows(text)).toThrow(UsageError);
});

/** The numbers from 1 to `count` as rows, and how many of them were read. */
function numbers(count: number, size: number) {
  let read = 0;
  function* rows() {
    while (read < count) yield [++read];
  }
  return { columns: ['n'], batches: batchesOf(rows(), size), read: () => read };
}

it.each([
  [2, 3, [1, 2], true, 3],
  [3, 3, [1, 2, 3], false, 3],
  [4, 3, [1, 2, 3], false, 3],
  [1, 1_000_000, [1], true, 2],
])(
  'at most %i of %i rows are given, and it is known whether there were more',
  async (max, count, given, cut, read) => {
    const result = numbers(count, 1);
    const limited = limitRows(result, max);
    expect((await allRows(limited)).flat()).toEqual(given);
    expect(limited.wasCut()).toBe(cut);
    expect(result.read()).toBe(read);
  },
);

it.each([1, 2, 3, 4, 10])('a batch of %i rows may be cut in its middle or at its end', async (size) => {
  const limited = limitRows(numbers(6, size), 4);
  expect((await allRows(limited)).flat()).toEqual([1, 2, 3, 4]);
  expect(limited.wasCut()).toBe(true);
});
