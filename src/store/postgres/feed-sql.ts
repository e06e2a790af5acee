import { FIELDS } from '../../model/fields.ts';
import type { Cell } from '../queryable.ts';
import type { ChangeLine } from '../sql/task-change.ts';
import { utcSql } from './names.ts';
import { decodeNul } from './nul.ts';

/** The columns of a row of tasks, in the order of SQLite's. */
const COLUMNS: readonly string[] = [
  'id',
  'source',
  ...FIELDS.flatMap(({ column }) => (column === 'id' ? [] : [column])),
  'queue_ms',
  'run_ms',
  'first_seen_at',
  'changed_at',
  'removed_at',
  'error_group',
  'seq',
  'added_seq',
];

/**
 * Returns the SELECT of a page: $1 since, $2 after, $3 the limit, $4 a status or null, $5 sources or null, $6
 * the characters after which the page ends. One statement, so of one moment. There is always a row: without a
 * task it has only `met`, how many tasks there are up to the limit.
 */
export function pageSql(s: string): string {
  return `with met as materialized (
    select id, seq, coalesce(octet_length(message), 0) + coalesce(octet_length(system_prompt), 0)
      + coalesce(octet_length(error), 0) as size
    from ${s}tasks
    where seq > $2 and ($4::text is null or status = $4) and ($5::text[] is null or source = any ($5))
    order by seq limit $3
  ),
  measured as (
    select id, size, sum(size) over (order by seq rows unbounded preceding) as through from met
  ),
  page as (
    select ${COLUMNS.map((name) => `t.${name}`).join(', ')}, (
      select json_agg(json_build_object('task_id', c.task_id, 'field', c.field, 'old_value', c.old_value,
        'new_value', c.new_value, 'observed_at', ${utcSql('c.observed_at')}, 'seq', c.seq) order by c.seq, c.change_no)
      from ${s}task_changes c where c.task_id = t.id and c.seq > $1
    ) as lines
    from measured m join ${s}tasks t on t.id = m.id where m.through - m.size < $6
  )
  select (select count(*) from met) as met, page.*
  from ${s}feed_state f left join page on true order by page.seq`;
}

/** A row of {@link pageSql}, as the driver reads it. */
export type PageRow = Record<string, string | number | boolean | null> & {
  met: number;
  lines: string | null;
};

/** Returns the row of tasks, with the values that SQLite gives. */
export function taskOf(row: PageRow): Record<string, Cell> {
  return Object.fromEntries(COLUMNS.map((name) => [name, cellOf(row[name] ?? null)]));
}

/** Returns the lines of the journal in a row. */
export function linesOf({ lines }: PageRow): ChangeLine[] {
  if (lines === null) return [];
  return (JSON.parse(lines) as ChangeLine[]).map((line) => ({
    ...line,
    old_value: line.old_value === null ? null : decodeNul(line.old_value),
    new_value: line.new_value === null ? null : decodeNul(line.new_value),
  }));
}

/** All numbers of the table are whole. */
function cellOf(value: PageRow[string]): Cell {
  if (typeof value === 'string') return decodeNul(value);
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return value === null ? null : BigInt(value);
}
