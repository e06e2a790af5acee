import type { Generated, GeneratedAlways, Selectable } from 'kysely';
import { FIELDS, type TaskField, type ValueOf } from '../../model/fields.ts';
import type { Task } from '../../model/task.ts';
import type { DerivedColumns } from '../sql/columns.ts';
import type { RunRow, StatusRow } from '../sql/status-rows.ts';
import type { ChangeLine } from '../sql/task-change.ts';

/** The schema of migrations/, for Kysely. Times are UTC text, booleans 0/1, env and extra JSON text. */
export interface Tables {
  sources: SourcesTable;
  gaps: GapsTable;
  tasks: TasksTable;
  task_changes: ChangeLine;
  rejected_rows: RejectedRowsTable;
  sync_runs: SyncRunsTable;
  search_state: SearchStateTable;
  also_shown: AlsoShownTable;
  feed_state: FeedStateTable;
  mirror_status: MirrorStatusView;
  sweep: SweepTable;
  sweep_rejected: SweepRejectedTable;
}

interface SourcesTable {
  name: string;
  base_url: string;
  watermark: string | null;
  api_total: number | null;
  learned_overlap_ms: Generated<number>;
  total_surplus: number | null;
  registered_at: string;
}

interface GapsTable {
  source: string;
  lower: string | null;
  upper: string;
}

interface TasksTable extends TaskColumns, DerivedColumns {
  /** SQLite's own; `select *` leaves it out. */
  rowid: GeneratedAlways<number>;
  source: string;
  first_seen_at: string;
  changed_at: string;
  removed_at: string | null;
  /** The number of the row's last change, and the one at which it first came. */
  seq: number;
  added_seq: number;
}

/** A value as SQLite stores it: it has no booleans. */
export type Stored<T> = T extends boolean ? number : T;

/** The columns that one task's fields fill. */
export type TaskColumns = { [F in TaskField as F['column']]: Stored<ValueOf<F>> };

/** Temporary, of one connection: the tasks that a full walk has seen. */
interface SweepTable {
  source: string;
  task_rowid: number;
}

/** Temporary, of one connection: the rejected rows that a full walk has seen. */
interface SweepRejectedTable {
  source: string;
  row_key: string;
}

interface RejectedRowsTable {
  source: string;
  row_key: string;
  task_id: string | null;
  payload: string;
  reason: string;
  first_rejected_at: string;
  last_rejected_at: string;
  last_activity_at: string | null;
}

interface SyncRunsTable extends Omit<RunRow, 'id'> {
  id: Generated<number>;
  /** The holder of the source, and its last sign of life; null once the lease is released. */
  pid: number | null;
  host: string | null;
  renewed_at: string | null;
}

/** One row if there is a full text index, else none. */
interface SearchStateTable {
  built_through: number;
}

/** A live task that another source than its own also shows. */
interface AlsoShownTable {
  task_id: string;
  source: string;
}

/** One row: the number of the last change. */
interface FeedStateTable {
  seq: number;
}

export interface MirrorStatusView extends StatusRow {
  gaps: number;
  shared_rows: number;
}

export type TaskRow = Omit<Selectable<TasksTable>, 'rowid'>;

/** Converts a value of a task to its column's. */
export function toStored<T>(value: T): Stored<T>;
export function toStored(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value;
}

/** Returns the task that a row holds. */
export function toTask(row: TaskColumns): Task {
  const values = FIELDS.map(({ name, column, kind }) => [
    name,
    kind === 'boolean' ? row[column] === 1 : row[column],
  ]);
  return Object.fromEntries(values) as Task;
}
