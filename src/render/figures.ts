import type { ColumnKind, Value } from '../reports/report.ts';
import { duration, grouped, kindWord, printable } from './text.ts';

/** Formats a value for people: one line without control characters; `-` for null. */
export type Figure = (value: Value, kind: ColumnKind) => string;

/** Returns a formatter of values for people. Times are local to a time zone (IANA name). */
export function figuresIn(timezone: string): Figure {
  const time = timesIn(timezone);
  return (value, kind) => {
    if (value === null) return '-';
    if (typeof value === 'number') return numberFigure(value, kind);
    if (kind === 'runKind') return printable(kindWord(value));
    return kind === 'time' ? time(value) : printable(value);
  };
}

function numberFigure(value: number, kind: ColumnKind): string {
  switch (kind) {
    case 'count':
      return grouped(value);
    case 'milliseconds':
      return duration(value);
    case 'ratio':
      return `${(100 * value).toFixed(1)} %`;
    default:
      return `${value}`;
  }
}

/**
 * Returns whether values of a kind are compared by size: such columns are aligned to the right and never cut.
 */
export function isNumeric(kind: ColumnKind): boolean {
  return kind === 'count' || kind === 'milliseconds' || kind === 'ratio';
}

/** Returns whether values of a kind are texts that users or the API have written. */
export function isText(kind: ColumnKind): boolean {
  return kind === 'text' || kind === 'id' || kind === 'prose';
}

/**
 * Returns a formatter of UTC text as local time, to the minute: `2026-01-26 13:05`. Text that is not a time
 * stays as it is. Throws RangeError for an unknown time zone.
 */
export function timesIn(timezone: string): (time: string) => string {
  // Swedish dates have the ISO 8601 format.
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  return (time) => {
    const ms = Date.parse(time);
    return Number.isNaN(ms) ? printable(time) : format.format(ms);
  };
}
