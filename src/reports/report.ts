import type { Value } from '../store/reportable.ts';

export type { Value } from '../store/reportable.ts';

/**
 * What a column holds: how it is aligned and written for people. Programs get the value as it is: `milliseconds` and
 * `count` as integers, `ratio` from 0 to 1, `time` as UTC text, `day` as YYYY-MM-DD in the report's time zone, `runKind` as
 * in `sync_runs.kind`.
 */
export type ColumnKind = 'text' | 'count' | 'milliseconds' | 'ratio' | 'time' | 'day' | 'runKind';

export interface Column {
  /** The name for programs, as in SQL: snake_case. */
  name: string;
  /** The name for people, short. */
  title: string;
  kind: ColumnKind;
}

/** How people would rather look at a section than read it. Names are of its columns. */
export type Chart =
  /** A bar for each row. */
  | { kind: 'bars'; label: string; value: string }
  /** A line over the rows, which are in the order of `x`. */
  | { kind: 'line'; x: string; value: string }
  /** A field of shades; rows without a cell count as nothing. */
  | { kind: 'heat'; row: string; column: string; value: string };

/** One table of a report. */
export interface Section {
  /** The name for programs, unique within the report. */
  name: string;
  title: string;
  columns: readonly Column[];
  rows: readonly (readonly Value[])[];
  chart: Chart | null;
}

/** What a report was asked about, and what it found. */
export interface Report {
  name: string;
  title: string;
  /** UTC text, from `since` (inclusive) to `until` (exclusive); null: no bound. */
  since: string | null;
  until: string | null;
  /** IANA name: what days and hours are counted in. */
  timezone: string;
  /** UTC text: everything at or below it is mirrored; null where nothing can be promised yet. Of the source that is furthest behind. */
  completeThrough: string | null;
  sections: readonly Section[];
}
