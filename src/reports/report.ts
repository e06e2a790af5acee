import type { Value } from '../store/reportable.ts';

export type { Value } from '../store/reportable.ts';

/**
 * The content of a column, which sets its alignment and its format for people. Programs get the value as it
 * is: `milliseconds` and `count` as integers, `ratio` from 0 to 1, `time` as UTC text, `day` as YYYY-MM-DD in
 * the report's time zone, `runKind` as in `sync_runs.kind`. If there is little room, people get the beginning
 * of an `id`, which stands for the whole of it in `history`, and `prose` on several lines.
 */
export type ColumnKind =
  'text' | 'id' | 'prose' | 'count' | 'milliseconds' | 'ratio' | 'time' | 'day' | 'runKind';

export interface Column {
  /** The name for programs, as in SQL: snake_case. */
  name: string;
  /** The name for people, short. */
  title: string;
  kind: ColumnKind;
}

/** A chart that shows a section better than a table. Names are of its columns. */
export type Chart =
  /** A bar for each row. */
  | { kind: 'bars'; label: string; value: string }
  /** A line over the rows, which are in the order of `x`. */
  | { kind: 'line'; x: string; value: string }
  /** A grid of shades; a cell without a row is 0. */
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

/** A report's question and its answer. */
export interface Report {
  name: string;
  title: string;
  /** UTC text, from `since` (inclusive) to `until` (exclusive); null: no bound. */
  since: string | null;
  until: string | null;
  /** IANA name of the time zone of days and hours. */
  timezone: string;
  /**
   * UTC text: everything at or below it is mirrored, in the source furthest behind; null until every source
   * has proven one.
   */
  completeThrough: string | null;
  sections: readonly Section[];
}
