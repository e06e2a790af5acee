import { expect, it } from 'vitest';
import { limitRows, parseMaxRows } from '../../../src/cli/commands/query/limits.ts';
import { UsageError } from '../../../src/model/errors.ts';

it.each(['', '0', '-1', '1.5', '1e3', 'ten', '10000000000'])('--max-rows "%s" is refused', (text) => {
  expect(() => parseMaxRows(text)).toThrow(UsageError);
});

/** The numbers from 1 to `count` as rows, and how many of them were read. */
function numbers(count: number) {
  let read = 0;
  function* rows() {
    while (read < count) yield [++read];
  }
  return { columns: ['n'], rows: rows(), read: () => read };
}

it.each([
  [2, 3, [1, 2], true, 3],
  [3, 3, [1, 2, 3], false, 3],
  [4, 3, [1, 2, 3], false, 3],
  [1, 1_000_000, [1], true, 2],
])(
  'at most %i of %i rows are given, and it is known whether there were more',
  (max, count, given, cut, read) => {
    const result = numbers(count);
    const limited = limitRows(result, max);
    expect([...limited.rows].flat()).toEqual(given);
    expect(limited.wasCut()).toBe(cut);
    expect(result.read()).toBe(read);
  },
);
