import { expect, it } from 'vitest';
import { parseDuration } from '../../src/cli/arguments/duration.ts';
import { UsageError } from '../../src/model/errors.ts';

it.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['0.5s', 500],
  ['2m', 120_000],
  ['24h', 86_400_000],
  ['1d', 86_400_000],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration('--timeout', text, '24h')).toBe(ms);
});

it.each(['', '30', '0s', '-1s', '25h', '2d', '1 s', 's', '1e3s', '999999999h'])('"%s" is refused', (text) => {
  const refused = () => parseDuration('--timeout', text, '24h');
  expect(refused).toThrow(UsageError);
  expect(refused).toThrow(`--timeout "${text}" is not a time from 1ms to 24h`);
});
