import type { CopiedTable } from '../copyable.ts';
import {
  CLEARED_OR_NOT,
  COPIED_COLUMNS,
  COPIED_KEYS,
  type CopiedColumn,
  OF_ONE_ROW,
} from '../sql/copied-columns.ts';

/** The numbers of these tables are given by the database, if nobody says so. */
const NUMBERED: ReadonlySet<CopiedTable> = new Set<CopiedTable>([
  'task_changes',
  'sync_runs',
  'hook_failures',
]);
/** Rows of these tables refer to a task. */
export const OF_TASKS: ReadonlySet<CopiedTable> = new Set<CopiedTable>(['also_shown', 'task_changes']);

const TYPES = {
  name: 'text',
  text: 'text',
  json: 'text',
  time: 'timestamptz',
  boolean: 'boolean',
  count: 'bigint',
} as const;

/** Rows as JSON, by their place in the batch. JSON itself comes as text, or it would not stay as it is written. */
function incoming(parameter: string, columns: readonly CopiedColumn[]): string {
  const types = columns.map(({ name, kind }) => `${name} ${TYPES[kind]}`);
  return `json_to_recordset(${parameter}::json) as i(n int, ${types.join(', ')})`;
}

const keyOf = (table: CopiedTable): CopiedColumn[] =>
  COPIED_COLUMNS[table].filter(({ name }) => COPIED_KEYS[table].includes(name));

const sameKey = (table: CopiedTable): string =>
  COPIED_KEYS[table].map((name) => `t.${name} = i.${name}`).join(' and ');

/** The columns of a table `t`, in their order. */
function selected(table: CopiedTable): string {
  return COPIED_COLUMNS[table]
    .map(({ name }) => (table === 'omitted_fields' && name === 'stage' ? CLEARED_OR_NOT : `t.${name}`))
    .join(', ');
}

export const countSql = (s: string, table: CopiedTable): string => `select count(*) from ${s}${table}`;

export const allSql = (s: string, table: CopiedTable): string =>
  `select ${selected(table)} from ${s}${table} t`;

/** $1: rows. Returns their places, each with the stored row. */
export const findSql = (s: string, table: CopiedTable): string =>
  `select i.n, ${selected(table)} from ${incoming('$1', keyOf(table))} join ${s}${table} t on ${sameKey(table)}`;

/** $1: ids. Returns those that are of no task. */
export const unknownTasksSql = (s: string): string =>
  `select i.id from unnest($1::text[]) as i(id) where not exists (select from ${s}tasks t where t.id = i.id)`;

/**
 * The first CTE of each write: it has a row, and locks it, as long as the copy belongs to the token $1, and
 * everything else depends on it. So writes of two processes are in one order, and the former writes nothing
 * once the latter has begun.
 */
const copying = (s: string): string => `copying as materialized (
    update ${s}copy_state set writes = writes + 1 where token = $1 returning token
  )`;

/** $2: rows. Returns whether the copy is held, and how many rows were written. */
export function writeSql(s: string, table: CopiedTable): string {
  const columns = COPIED_COLUMNS[table];
  const names = columns.map(({ name }) => name);
  const values = columns.map(({ name, kind }) => (kind === 'json' ? `i.${name}::json` : `i.${name}`));
  if (table === 'omitted_fields') {
    names.push('through');
    values.push(`''`);
  }
  const where = OF_TASKS.has(table) ? `and exists (select from ${s}tasks t where t.id = i.task_id)` : '';
  return `with ${copying(s)},
  ${
    // Nothing else would keep a second row out.
    OF_ONE_ROW.has(table) ? `replaced as (delete from ${s}${table} where exists (select from copying)),` : ''
  }
  written as (
    insert into ${s}${table} (${names.join(', ')}) ${NUMBERED.has(table) ? 'overriding system value' : ''}
    select ${values.join(', ')} from ${incoming('$2', columns)}
    where exists (select from copying) ${where} order by i.n
    ${OF_ONE_ROW.has(table) ? '' : onConflict(table, names)}
    returning 1
  )
  select exists (select from copying) as held, (select count(*) from written) as written`;
}

function onConflict(table: CopiedTable, names: readonly string[]): string {
  const key = COPIED_KEYS[table];
  const rest = names.filter((name) => !key.includes(name));
  const update = rest.map((name) => `${name} = excluded.${name}`).join(', ');
  return `on conflict (${key.join(', ')}) do ${rest.length === 0 ? 'nothing' : `update set ${update}`}`;
}

/** $2: rows. Returns whether the copy is held. */
export const removeSql = (s: string, table: CopiedTable): string =>
  `with ${copying(s)}, removed as (
    delete from ${s}${table} t using ${incoming('$2', keyOf(table))}
    where ${sameKey(table)} and exists (select from copying)
  ) select exists (select from copying) as held`;

/** The statements that end a copy, of one transaction; the first returns whether it is held by $1. */
export function finishSql(s: string): { hold: string; rest: string[] } {
  const after = (table: string, column: string, last: string): string =>
    `select setval(pg_get_serial_sequence('${s.replaceAll("'", "''")}${table}', '${column}'), coalesce(last, 1),
      last is not null) from (${last}) as n(last)`;
  return {
    hold: `with ${copying(s)} select exists (select from copying) as held`,
    rest: [
      // The end of what was pruned may be after the last line that is left.
      after(
        'task_changes',
        'change_no',
        `select greatest(max(change_no), (select nullif(max(changes_no), 0) from ${s}retention_state))
        from ${s}task_changes`,
      ),
      after('sync_runs', 'id', `select max(id) from ${s}sync_runs`),
      after('hook_failures', 'id', `select max(id) from ${s}hook_failures`),
      `drop table ${s}copy_state`,
    ],
  };
}
