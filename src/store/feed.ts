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
  /** The row, names as in `tasks`, in the order of its columns. */
  task: Readonly<Record<string, Cell>>;
}

/** The changes to read. */
export interface FeedQuestion {
  /** The cursor: only changes with a higher number. */
  since: number;
  /**
   * To read on, page by page: only tasks whose last change has a higher number than this; `since` if left out.
   * What is told of each is still everything after `since`.
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
  /** Returns tasks that changed, by the number of their last change. Throws DatabaseError. */
  read(question: FeedQuestion): Promise<TaskChange[]>;
  /**
   * Resolves within a second of a commit by any process that may have changed a task, or when `signal`
   * aborts. Costs next to no CPU.
   */
  changed(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
