/** The tables that a copy of a mirror has. A row refers to rows of tables before its own. */
export const COPIED_TABLES = [
  'sources',
  'rejected_rows',
  'gaps',
  'tasks',
  'also_shown',
  'task_changes',
  'sync_runs',
  'omitted_fields',
  'retention_state',
  'feed_state',
  'hooks',
  'hook_failures',
] as const;

export type CopiedTable = (typeof COPIED_TABLES)[number];

/** A value as every engine gives it: times as UTC text, booleans as 0 and 1, JSON as it was written. */
export type CopyCell = null | string | number;

/** A row of a table. All engines give its columns in the same order. */
export type CopyRow = readonly CopyCell[];

/** A mirror that can be read row by row. */
export interface CopyReadable {
  /** Names the place for people, and tells it from others. */
  readonly name: string;
  count(table: CopiedTable): Promise<number>;
  /** Gives every row once, in any order, in batches that fit into memory. */
  batches(table: CopiedTable): AsyncIterable<readonly CopyRow[]>;
  /** Returns for each of these rows the stored one with the same key; undefined if there is none. */
  find(table: CopiedTable, rows: readonly CopyRow[]): Promise<(CopyRow | undefined)[]>;
  close(): Promise<void>;
}

/** A mirror to copy, as of the moment when it was opened, while others may go on writing to it. */
export type CopyOrigin = CopyReadable;

/** The fate of rows that were to be written. */
export interface CopyWritten {
  /** The rows as the target has them now. */
  rows: readonly CopyRow[];
  /** Rows of `rejected_rows` that stand for tasks which the engine cannot hold. */
  setAside: readonly CopyRow[];
  /** Rows that refer to tasks which are not there. */
  leftOut: number;
}

/**
 * A mirror in the making, which nobody can open as a mirror before {@link CopyTarget.finish}. Each write is one
 * transaction. Throws LeaseHeldError once another process has taken the copy over; nothing is written then.
 */
export interface CopyTarget extends CopyReadable {
  /** Inserts rows, and replaces those with the same key. Call it table by table, in their order. */
  write(table: CopiedTable, rows: readonly CopyRow[]): Promise<CopyWritten>;
  /** Deletes the rows with the keys of these. */
  remove(table: CopiedTable, rows: readonly CopyRow[]): Promise<void>;
  /** Makes it a mirror. */
  finish(): Promise<void>;
}
