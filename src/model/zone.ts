import { UsageError } from './errors.ts';
import { utcText } from './task.ts';

const DAY = 86_400_000;
/** Steps of this length miss no two changes of an offset: the shortest summer times lasted for weeks. */
const STEP = 7 * DAY;
/** Most pieces of a period: the hours of 34 years. */
const MOST_PIECES = 300_000;

/** A time zone, which defines local days and hours, in ms since the epoch. */
export interface Zone {
  /** Local time less UTC at this moment, in ms. */
  offsetAt(ms: number): number;
}

/** A stretch of time with one offset: from `from` up to, but not including, `until`, all in ms. */
export interface Span {
  from: number;
  until: number;
  offset: number;
}

/** A local day (YYYY-MM-DD) or hour (YYYY-MM-DDTHH), without what is outside the period. UTC text. */
export interface Piece {
  label: string;
  from: string;
  until: string;
}

export type Unit = 'day' | 'hour';

const LENGTH: Readonly<Record<Unit, { ms: number; label: number }>> = {
  day: { ms: DAY, label: 10 },
  hour: { ms: 3_600_000, label: 13 },
};

/** Returns the time zone of an IANA name. Throws UsageError if it is not known. */
export function zoneOf(timezone: string): Zone {
  const format = formatOf(timezone);
  return {
    offsetAt(ms) {
      const name = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
      const [, sign, hours = '0', minutes = '0', seconds = '0'] =
        /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name) ?? [];
      const offset = Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1_000;
      return sign === '-' ? -offset : offset;
    },
  };
}

function formatOf(timezone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
  } catch (error) {
    throw new UsageError('time_zone_unknown', { timezone }, `there is no time zone "${timezone}"`, {
      cause: error,
    });
  }
}

/** Returns the local date and time of a moment, without the zone. */
export function localText(zone: Zone, ms: number): string {
  return textAt(ms, zone.offsetAt(ms));
}

/** Returns the period, `from` before `until`, cut where the offset changes. */
export function spansOf(zone: Zone, from: number, until: number): Span[] {
  const spans: Span[] = [];
  let begin = from;
  let offset = zone.offsetAt(from);
  for (let at = from; at < until; at += STEP) {
    const end = Math.min(at + STEP, until);
    if (zone.offsetAt(end) === offset) continue;
    const change = firstMoment(at, end, (ms) => zone.offsetAt(ms) !== offset);
    spans.push({ from: begin, until: change, offset });
    begin = change;
    offset = zone.offsetAt(change);
  }
  if (begin < until) spans.push({ from: begin, until, offset });
  return spans;
}

/**
 * Returns the local days or hours of spans, in order and without holes. A day may have 23 or 25 hours; an
 * hour that the clock shows twice is one piece. Throws UsageError if there would be too many.
 */
export function periodsOf(spans: readonly Span[], unit: Unit): Piece[] {
  const { ms, label: length } = LENGTH[unit];
  assertFew(spans, ms, unit);
  const cuts: { label: string; from: number }[] = [];
  for (const { from, until, offset } of spans) {
    for (let at = from; at < until; at += ms - mod(at + offset, ms)) {
      const label = textAt(at, offset).slice(0, length);
      if (cuts.at(-1)?.label !== label) cuts.push({ label, from: at });
    }
  }
  const end = spans.at(-1)?.until ?? 0;
  return cuts.map(({ label, from }, index) => ({
    label,
    from: utcText(from),
    until: utcText(cuts[index + 1]?.from ?? end),
  }));
}

function assertFew(spans: readonly Span[], ms: number, unit: Unit): void {
  const [fromMs, untilMs] = [spans.at(0)?.from ?? 0, spans.at(-1)?.until ?? 0];
  if ((untilMs - fromMs) / ms <= MOST_PIECES) return;
  const [from, until] = [utcText(fromMs), utcText(untilMs)];
  throw new UsageError(
    'period_too_long',
    { from, until, unit },
    `from ${from} to ${until} there are too many ${unit}s to count`,
  );
}

/** Returns the first moment in (`no`, `yes`] at which it holds; it does not at `no`, and does at `yes`. */
export function firstMoment(no: number, yes: number, holds: (ms: number) => boolean): number {
  let [low, high] = [no, yes];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function textAt(ms: number, offset: number): string {
  return new Date(ms + offset).toISOString().slice(0, -1);
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}
