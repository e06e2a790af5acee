import type { ColumnKind, Value } from '../reports/report.ts';
import { grouped, kindWord, printable } from './text.ts';

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
      return span(value);
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

/**
 * Formats a duration in ms by its two largest units, rounded: `340 ms`, `1.2 s`, `3 m 20 s`, `2 h 5 m`, `12 d
 * 3 h`.
 */
export function span(ms: number): string {
  if (ms < 0) return `-${span(-ms)}`;
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 100) < 600) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return pair(seconds, 60, 'm', 's');
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1_440) return pair(minutes, 60, 'h', 'm');
  return pair(Math.round(ms / 3_600_000), 24, 'd', 'h');
}

function pair(count: number, size: number, large: string, small: string): string {
  const rest = count % size;
  return `${grouped(Math.floor(count / size))} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}
