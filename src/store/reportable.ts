import type { Piece, Span, Unit } from '../model/zone.ts';
import type { Queryable, Table } from './queryable.ts';

/** A value of a report: integers within 2^53, ratios from 0 to 1, times as UTC text. */
export type Value = null | string | number;

/** Values by name for a statement; integers as bigint, because a number would be bound as REAL. */
export type Parameters = Readonly<Record<string, null | string | bigint>>;

/** Runs one SELECT and returns its rows, columns in order. A value beyond 2^53 may lose digits. */
export type Ask = (sql: string, parameters: Parameters) => Promise<readonly (readonly Value[])[]>;

/** A WHERE clause with the values of its parameters. */
export interface Filter {
  where: string;
  parameters: Parameters;
}

/** Local days or hours whose tasks are measured. */
export interface PiecesQuestion {
  /** The tasks to measure, apart from the period. */
  filter: Filter;
  /** The SQL of the measures, as a select list. */
  measures: string;
  /** In order and contiguous. */
  pieces: readonly Piece[];
  /** The spans that the pieces were cut from, and the unit they were cut into. */
  spans: readonly Span[];
  unit: Unit;
}

/**
 * The SQL that differs between databases. Reports write all other SQL in a form that SQLite and PostgreSQL
 * share: `:name` for values, times compared with UTC text, `nulls first` wherever a sorted column may be
 * null.
 */
export interface Dialect {
  /**
   * Returns a percentile of a column of ms, interpolated, as a whole number; null if the column has no value.
   */
  percentile(column: string, percent: number): string;
  /** Returns whole ms from one time to another; null if either is null. Either may be a parameter. */
  msBetween(from: string, to: string): string;
  /**
   * The tasks, to select from: all columns that indexes hold. On PostgreSQL names of users and sessions are
   * cut to their first 100 characters.
   */
  tasks: string;
  /** The id of the task of a group that was created last. */
  lastCreatedId: string;
  /** The tasks, read through the index of the few open ones. */
  openTasks: string;
  /**
   * A prefix for a column in a WHERE: keeps the engine from an index search on it if scanning another index
   * costs less.
   */
  unsearched: string;
  /** The shortest key of a row of tasks, to find it again within one statement. */
  rowKey: string;
  /** The sort key that puts the changes of one task in the order in which they were journaled. */
  changeOrder: string;
  /** Returns the measures of each piece, in their order, also of pieces without tasks. */
  measurePieces(ask: Ask, question: PiecesQuestion): Promise<(readonly Value[])[]>;
}

/** A full text search of tasks. */
export interface SearchQuestion {
  /** Words that a task must all contain; with `raw`, a query in the engine's own language. */
  text: string;
  raw: boolean;
  filter: Filter;
  /** The most tasks to return. */
  limit: number;
  /** The marks before and after each word found. */
  marks: readonly [open: string, close: string];
}

/** The progress of a full text index. */
export interface SearchProgress {
  built: number;
  tasks: number;
}

/** A mirror for reports, search and history. */
export interface Reportable extends Queryable {
  dialect: Dialect;
  /** Returns null if there is no index. */
  searchProgress(): Promise<SearchProgress | null>;
  /**
   * Returns the best matches first: id, status, username, created_at, rank (lower is better) and a snippet.
   * Throws UsageError if there is nothing to search for, or if a raw query is wrong.
   */
  search(question: SearchQuestion): Promise<Table>;
}
