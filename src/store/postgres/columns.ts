import { FIELDS, type Kind } from '../../model/fields.ts';
import { JOURNALED } from '../sql/columns.ts';
import { utcSql } from './names.ts';

/** A column of tasks. */
export interface Column {
  name: string;
  type: 'text' | 'timestamptz(3)' | 'boolean' | 'bigint' | 'json';
}

const TYPES: Readonly<Record<Kind, Column['type']>> = {
  id: 'text',
  status: 'text',
  text: 'text',
  time: 'timestamptz(3)',
  boolean: 'boolean',
  count: 'bigint',
  json: 'json',
  extra: 'json',
};

/** Returns the column that holds a field. */
export function columnOf({ column, kind }: (typeof FIELDS)[number]): Column {
  return { name: column, type: TYPES[kind] };
}

/** The columns that the fields of a task fill, in the order of the journal: all but the id. */
export const TASK_COLUMNS: readonly Column[] = JOURNALED.map(columnOf);

/** The columns that are computed from others when a row is written. */
export const DERIVED_COLUMNS: readonly Column[] = [
  { name: 'error_group', type: 'text' },
  { name: 'queue_ms', type: 'bigint' },
  { name: 'run_ms', type: 'bigint' },
];

/** All columns of a row that a commit writes, except its id. */
export const WRITTEN_COLUMNS: readonly Column[] = [...TASK_COLUMNS, ...DERIVED_COLUMNS];

/** Returns SQL for a stored value to compare: json has no equality, and has to be the same text. */
export function comparable(row: string, { name, type }: Column): string {
  return type === 'json' ? `${row}.${name}::text` : `${row}.${name}`;
}

/** Returns SQL for a value as the journal has it: text, and the same as on SQLite. */
export function journalText(row: string, { name, type }: Column): string {
  if (type === 'timestamptz(3)') return utcSql(`${row}.${name}`);
  return type === 'boolean' ? `${row}.${name}::int::text` : `${row}.${name}::text`;
}
