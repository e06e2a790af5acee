import { FIELDS, type Kind } from '../../model/fields.ts';
import type { CopiedTable, CopyRow } from '../copyable.ts';

/** `name`: text that PostgreSQL holds as it is. `text`: it may hold NUL, which PostgreSQL's text cannot. */
type ColumnKind = 'name' | 'text' | 'time' | 'boolean' | 'count' | 'json';

/** A column that every engine has under this name, if its adapter says nothing else. */
export interface CopiedColumn {
  name: string;
  kind: ColumnKind;
}

const KINDS: Readonly<Record<Kind, ColumnKind>> = {
  id: 'text',
  status: 'text',
  text: 'text',
  time: 'time',
  boolean: 'boolean',
  count: 'count',
  json: 'json',
  extra: 'json',
};

const of = (kind: ColumnKind, names: string): CopiedColumn[] =>
  names.split(' ').map((name) => ({ name, kind }));

/** The columns of each table, in the order of the cells of a {@link CopyRow}; none that says who holds a lease. */
export const COPIED_COLUMNS: Readonly<Record<CopiedTable, readonly CopiedColumn[]>> = {
  sources: [
    ...of('name', 'name base_url'),
    ...of('time', 'watermark registered_at'),
    ...of('count', 'api_total learned_overlap_ms total_surplus'),
  ],
  rejected_rows: [
    ...of('name', 'source'),
    ...of('text', 'row_key task_id payload reason'),
    ...of('time', 'first_rejected_at last_rejected_at last_activity_at'),
  ],
  gaps: [...of('name', 'source'), ...of('time', 'lower upper')],
  tasks: [
    ...FIELDS.map(({ column, kind }) => ({ name: column, kind: KINDS[kind] })),
    ...of('text', 'error_group'),
    ...of('count', 'queue_ms run_ms'),
    ...of('name', 'source'),
    ...of('time', 'first_seen_at changed_at removed_at'),
    ...of('count', 'seq added_seq'),
  ],
  also_shown: [...of('text', 'task_id'), ...of('name', 'source')],
  task_changes: [
    ...of('count', 'change_no'),
    ...of('text', 'task_id field old_value new_value'),
    ...of('time', 'observed_at'),
    ...of('count', 'seq'),
  ],
  sync_runs: [
    ...of('count', 'id'),
    ...of('name', 'source kind'),
    ...of('time', 'started_at finished_at'),
    ...of('name', 'outcome verdict'),
    ...of('count', 'requests rows_seen inserted updated unchanged removed rejected'),
    ...of('text', 'error'),
  ],
  omitted_fields: of('name', 'field stage'),
  retention_state: [...of('count', 'changes_no'), ...of('time', 'changes_through removed_through')],
  feed_state: of('count', 'seq'),
  hooks: [
    ...of('name', 'name'),
    ...of('count', 'seq rank'),
    ...of('json', 'run_ids'),
    ...of('count', 'replay_through digest_through attempts'),
    ...of('time', 'failing_since next_attempt_at'),
    ...of('text', 'last_error'),
    ...of('time', 'last_delivery_at'),
    ...of('count', 'delivered failed set_aside'),
  ],
  hook_failures: [
    ...of('count', 'id'),
    ...of('name', 'hook event_id'),
    ...of('text', 'type'),
    ...of('count', 'seq'),
    ...of('name', 'source'),
    ...of('text', 'task_id'),
    ...of('time', 'given_up_at'),
    ...of('text', 'reason'),
  ],
};

/** The columns that tell the rows of each table apart. */
export const COPIED_KEYS: Readonly<Record<CopiedTable, readonly string[]>> = {
  sources: ['name'],
  rejected_rows: ['source', 'row_key'],
  gaps: ['source', 'upper'],
  tasks: ['id'],
  also_shown: ['task_id', 'source'],
  task_changes: ['change_no'],
  sync_runs: ['id'],
  omitted_fields: ['field'],
  retention_state: ['changes_no'],
  feed_state: ['seq'],
  hooks: ['name'],
  hook_failures: ['id'],
};

/** Tables that have one row at most: writing it replaces what was there. */
export const OF_ONE_ROW: ReadonlySet<CopiedTable> = new Set<CopiedTable>(['retention_state', 'feed_state']);

/**
 * SQL for the stage of a field in `omitted_fields`: how far an engine has cleared it means nothing to another,
 * so a field that is not cleared begins again.
 */
export const CLEARED_OR_NOT = `case stage when 'cleared' then stage else 'tasks' end`;

/** Returns the places of a table's columns in its rows, by their names. */
export function placesIn(table: CopiedTable, names: readonly string[]): number[] {
  return names.map((name) => COPIED_COLUMNS[table].findIndex((column) => column.name === name));
}

/** Characters and rows at which a batch ends: if its rows are long, few are held in memory. */
export const BATCH_CHARACTERS = 2_000_000;
export const BATCH_ROWS = 2_000;

/** Returns the characters of a row, about. */
export function charactersOf(row: CopyRow): number {
  let characters = 0;
  for (const cell of row) characters += typeof cell === 'string' ? cell.length : 4;
  return characters;
}
