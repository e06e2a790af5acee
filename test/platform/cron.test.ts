import { describe, expect, test } from 'vitest';
import { cronProblem } from '../../src/platform/cron.ts';
import { problemsOf } from '../config/folder.ts';

describe('a cron expression that never comes is wrong', () => {
  test.each([
    '0 0 30 2 *',
    '0 0 31 4,6,9,11 *',
    '0 0 31 feb *',
    '0 0 1 * 1#2',
    '0 0 31 * 1#1',
    '0 0 29 2 1#1',
    '0 0 L * 1#2',
    '0 0 1-6 * 1L',
    '0 0 L-30 2 *',
    '0 0 31W 4 *',
    '0 0 15W * 6',
    '30 0 0 30 2 *',
  ])('%s', (expression) => {
    expect(cronProblem(expression)).toMatch(/never comes|impossible/);
  });

  test.each(['schedule', 'fullSchedule'])('and the settings report that for %s', async (name) => {
    const [problem, ...others] = await problemsOf({ [name]: '0 0 31 * 1#1' });
    expect(others).toEqual([]);
    expect(problem).toMatch(new RegExp(`^${name} in file .* is "0 0 31 \\* 1#1": .*never comes`));
  });
});

test.each([
  '*/5 * * * *',
  '0 0 29 2 *',
  // Monday 29 February: 2044, and then every 28 years.
  '0 0 29 2 1#5',
  '0 0 8-14 * 1#2',
  '0 0 25-31 * 5L',
  '0 0 L * *',
  '0 0 15W * 1',
  '0 0 ? * 1-5',
  '0 0 31 * 1',
  '*/20 * * * * *',
  '0 0 1 jan sun',
])('%s comes', (expression) => {
  expect(cronProblem(expression)).toBeNull();
});

test('a range that would keep node-cron busy for seconds is refused before it sees it', () => {
  expect(cronProblem('0-99999999 * * * *')).toContain('three digits');
});
