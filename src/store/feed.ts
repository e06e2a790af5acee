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
   * Only tasks whose last change has a higher number; `since` by default. A reader of several pages leaves
   * `since` as it is and moves this: a task that changes again meanwhile moves to a later page, and a higher
   * `since` would leave out what changed of it before.
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
   * Returns tasks that changed, by the number of their last change, as of one moment. Fewer than `limit` may
   * be followed by more, since long rows make short pages; none is the end. Throws DatabaseError.
   */
  read(question: FeedQuestion): Promise<TaskChange[]>;
  /**
   * Resolves within a second of a commit by any process that changed a task since the last `read` or `head`,
   * or when `signal` aborts. Costs next to no CPU. Throws DatabaseError.
   */
  changed(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
