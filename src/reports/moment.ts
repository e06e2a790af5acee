import { UsageError } from '../model/errors.ts';
import { utcText } from '../model/task.ts';
import { firstMoment, localText, zoneOf } from '../model/zone.ts';

const HOUR = 3_600_000;
const UNITS: Readonly<Record<string, number>> = { h: HOUR, d: 24 * HOUR, w: 7 * 24 * HOUR };
const AGO = /^(\d{1,6})([hdw])$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;
/** UTC text has four digits for the year. */
const [FIRST, LAST] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];

/**
 * Parses a moment as people write it, and returns UTC text: hours, days (of 24 hours) or weeks before `now`
 * (`12h`, `30d`, `2w`), the beginning of a day in the time zone (`2026-01-01`), or a time with its offset
 * (`2026-01-01T10:00:00Z`). `now` in ms. Throws UsageError for anything else.
 */
export function parseMoment(text: string, now: number, timezone: string): string {
  const ms = momentOf(text, now, timezone);
  if (ms !== null && ms >= FIRST && ms <= LAST) return utcText(ms);
  const shown = text.slice(0, 60);
  throw new UsageError('moment_invalid', { text: shown }, `"${shown}" is not a time`);
}

function momentOf(text: string, now: number, timezone: string): number | null {
  const [, amount, unit = ''] = AGO.exec(text) ?? [];
  if (amount !== undefined) return now - Number(amount) * (UNITS[unit] ?? 0);
  if (DATE.test(text)) return isDay(text) ? startOfDay(text, timezone) : null;
  const day = TIME.exec(text)?.[1];
  const ms = day !== undefined && isDay(day) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

/** Returns whether a day exists: JavaScript reads 30 February as 2 March. */
function isDay(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return ms >= FIRST && utcText(ms).startsWith(text);
}

/**
 * Returns the beginning of a day (YYYY-MM-DD) in a time zone, in ms: later than midnight if midnight is
 * skipped. No place was ever more than 16 hours from UTC.
 */
export function startOfDay(day: string, timezone: string): number {
  const zone = zoneOf(timezone);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return firstMoment(midnight - 16 * HOUR, midnight + 16 * HOUR, (ms) => localText(zone, ms) >= day);
}
