import type { Cell } from './queryable.ts';

/** What happened to a task since a cursor, by what it is now. */
export type ChangeEvent = 'added' | 'changed' | 'removed' | 'returned';

/** A changed field: a line of `task_changes`. */
export interface FieldChange {
  /** The number of the row's change that the line belongs to. */
  seq: number;
  field: string;
  oldValue: string | null;
  newValue: string | null;
  /** UTC text. */
  observedAt: string;
}

/** A task that changed after a cursor, once, as it is now. */
export interface TaskChange {
  /** The number of its last change: the cursor to go on from. */
  seq: number;
  source: string;
  taskId: string;
  event: ChangeEvent;
  /** UTC text: the time of its last change. */
  observedAt: string;
  /** Every field that changed after the cursor, oldest first. */
  changes: readonly FieldChange[];
  /** The row, names as in `tasks`, in the order of its columns: the same values from every engine. */
  task: Readonly<Record<string, Cell>>;
}

/** The changes to read. */
export interface FeedQuestion {
  /** The cursor: only changes with a higher number. */
  since: number;
  /**
   * Only tasks whose last change has a higher number; `since` by default. Spares looking again at what a
   * filter has passed over.
   */
  after?: number | undefined;
  /** Most tasks to return. */
  limit: number;
  /** Only tasks that are in this status now. */
  status?: string | undefined;
  /** Only tasks of these sources; all if empty. */
  sources?: readonly string[] | undefined;
}

/**
 * The changes of a mirror, in the order in which they were committed. Numbers become visible in order: whoever
 * has read up to a number never sees a smaller one appear.
 */
export interface Feed {
  /** Returns the number of the last change; 0 if there was none. */
  head(): Promise<number>;
  /**
   * Returns tasks that changed, by the number of their last change. Fewer than `limit` may be followed by
   * more, since long rows make short pages; none is the end. Between two calls a task may change again, and
   * so move on to a later page: with the number of the page before it as `since`, that has what changed of the
   * task after this number only. Throws DatabaseError.
   */
  read(question: FeedQuestion): Promise<TaskChange[]>;
  /**
   * Yields the same page by page, all as of one moment, so that each task comes once, with all of its lines.
   * Until the last page is read, or the loop is left, the database keeps that moment, as for a query. Throws
   * DatabaseError.
   */
  pages(question: FeedQuestion): AsyncGenerator<TaskChange[], void>;
  /**
   * Resolves when the number of the last change is not `seq`: within a second of a commit by any process that
   * changed a task, or after the mirror went back to an older state. Also when `signal` aborts. Costs next to no
   * CPU. Throws DatabaseError.
   */
  changed(seq: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
