import { CommandLineError } from '../command-line-error.ts';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 24 * 3_600_000],
]);

/** Parses a flag's duration from 1ms to `longest`. Returns ms. Throws UsageError. */
export function parseDuration(flag: string, text: string, longest: string): number {
  const ms = millisecondsIn(text);
  if (ms >= 1 && ms <= millisecondsIn(longest)) return Math.ceil(ms);
  throw new CommandLineError(`${flag} "${text.slice(0, 100)}" is not a time from 1ms to ${longest}`, {
    hint: 'Write a number and its unit: 500ms, 30s, 2m, 1h, 1d.',
  });
}

/** Returns the duration in ms; NaN if the text is not a duration. */
function millisecondsIn(text: string): number {
  const { amount, unit = '' } =
    /^(?<amount>\d{1,9}(?:\.\d{1,3})?)(?<unit>ms|s|m|h|d)$/.exec(text)?.groups ?? {};
  return Number(amount) * (UNITS.get(unit) ?? Number.NaN);
}
