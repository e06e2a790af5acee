import type { Generated, GeneratedAlways, Selectable } from 'kysely';
import type { Task } from '../../model/task.ts';
import { foldError } from './error-group.ts';

/** The schema of migrations/, for Kysely. Times are UTC text, booleans 0/1, env and extra JSON text. */
export interface Tables {
  sources: SourcesTable;
  gaps: GapsTable;
  tasks: TasksTable;
  task_changes: TaskChangesTable;
  rejected_rows: RejectedRowsTable;
  sync_runs: SyncRunsTable;
  search_state: SearchStateTable;
  also_shown: AlsoShownTable;
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
}

/** The columns that one task's fields fill. */
export interface TaskColumns {
  id: string;
  api_key_id: string | null;
  username: string | null;
  session_id: string | null;
  conversation_id: string | null;
  status: string;
  message: string | null;
  system_prompt: string | null;
  show_in_history: number;
  auto_execute: number;
  env: string | null;
  error: string | null;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  last_activity_at: string;
  message_count: number;
  extra: string | null;
}

/** The columns that are worked out from those when a row is written. */
export interface DerivedColumns {
  error_group: string | null;
  queue_ms: number | null;
  run_ms: number | null;
}

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

interface TaskChangesTable {
  task_id: string;
  field: string;
  old_value: string | null;
  new_value: string | null;
  observed_at: string;
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

interface SyncRunsTable {
  id: Generated<number>;
  source: string;
  kind: string;
  started_at: string;
  finished_at: string | null;
  outcome: string | null;
  verdict: string | null;
  requests: number;
  rows_seen: number;
  inserted: number;
  updated: number;
  unchanged: number;
  removed: number;
  rejected: number;
  error: string | null;
  /** Who holds the source, and when it last said that it lives; null once the lease is given back. */
  pid: number | null;
  host: string | null;
  renewed_at: string | null;
}

/** One row where there is a full text index, none where there is not. */
interface SearchStateTable {
  built_through: number;
}

/** A live task that another source than its own shows as well. */
interface AlsoShownTable {
  task_id: string;
  source: string;
}

export interface MirrorStatusView {
  source: string;
  base_url: string;
  complete_through: string | null;
  watermark: string | null;
  gaps: number;
  live_rows: number;
  api_total: number | null;
  learned_overlap_ms: number;
  open_tasks: number;
  rejected_rows: number;
  removed_rows: number;
  last_run_at: string | null;
  last_run_kind: string | null;
  last_run_outcome: string | null;
  last_success_at: string | null;
  last_clean_full_at: string | null;
  shared_rows: number;
}

export type SyncRunRow = Selectable<SyncRunsTable>;
export type TaskRow = Omit<Selectable<TasksTable>, 'rowid'>;

/** The columns whose changes the journal records, in the order in which it does. */
export const JOURNALED = [
  'api_key_id',
  'username',
  'session_id',
  'conversation_id',
  'status',
  'message',
  'system_prompt',
  'show_in_history',
  'auto_execute',
  'env',
  'error',
  'created_at',
  'started_at',
  'completed_at',
  'last_activity_at',
  'message_count',
  'extra',
  'removed_at',
] as const satisfies readonly (keyof TaskRow)[];

/** A task as its columns. */
export function toColumns(task: Task): TaskColumns {
  return {
    id: task.id,
    api_key_id: task.apiKeyId,
    username: task.username,
    session_id: task.sessionId,
    conversation_id: task.conversationId,
    status: task.status,
    message: task.message,
    system_prompt: task.systemPrompt,
    show_in_history: task.showInHistory ? 1 : 0,
    auto_execute: task.autoExecute ? 1 : 0,
    env: task.env,
    error: task.error,
    created_at: task.createdAt,
    started_at: task.startedAt,
    completed_at: task.completedAt,
    last_activity_at: task.lastActivityAt,
    message_count: task.messageCount,
    extra: task.extra,
  };
}

/** What follows from a task's columns: takes its time, and most rows of most runs are unchanged. */
export function derive({ error, created_at, started_at, completed_at }: TaskColumns): DerivedColumns {
  const started = started_at === null ? null : Date.parse(started_at);
  return {
    error_group: error === null ? null : foldError(error),
    queue_ms: started === null ? null : started - Date.parse(created_at),
    run_ms: started === null || completed_at === null ? null : Date.parse(completed_at) - started,
  };
}

/** The task that a row holds. */
export function toTask(row: TaskColumns): Task {
  return {
    id: row.id,
    apiKeyId: row.api_key_id,
    username: row.username,
    sessionId: row.session_id,
    conversationId: row.conversation_id,
    status: row.status,
    message: row.message,
    systemPrompt: row.system_prompt,
    showInHistory: row.show_in_history === 1,
    autoExecute: row.auto_execute === 1,
    env: row.env,
    error: row.error,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    lastActivityAt: row.last_activity_at,
    messageCount: row.message_count,
    extra: row.extra,
  };
}
