import type { OmittableField } from '../../model/task.ts';
import { type DerivedColumns, JOURNALED, type TaskColumns } from './tables.ts';

type Column = keyof (TaskColumns & DerivedColumns);

/** The columns of tasks that hold these fields, or what was worked out from them. */
export function columnsOf(fields: Iterable<OmittableField>): Column[] {
  return [...fields].flatMap((field): Column[] =>
    field === 'error' ? ['error', 'error_group'] : [columnOf(field)],
  );
}

/** Every field of a task that has a column of its own, by its name in the API. */
export const KNOWN_FIELDS: readonly string[] = ['id', ...JOURNALED]
  .filter((column) => column !== 'extra' && column !== 'removed_at')
  .map((column) => column.replace(/_[a-z]/g, (letter) => letter.slice(1).toUpperCase()));

function columnOf(field: OmittableField): Column {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as Column;
}
