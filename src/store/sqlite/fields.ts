import { FIELDS } from '../../model/fields.ts';
import type { OmittableField } from '../../model/task.ts';
import type { DerivedColumns, TaskColumns } from './tables.ts';

/** Columns computed from a field that may be omitted: they are omitted with it. */
const DERIVED: { readonly [Name in OmittableField]?: keyof DerivedColumns } = { error: 'error_group' };

/** Returns the columns of tasks that hold these fields, or values computed from them. */
export function columnsOf(fields: Iterable<OmittableField>): (keyof TaskColumns | keyof DerivedColumns)[] {
  const omitted = new Set<string>(fields);
  return FIELDS.flatMap((field) => {
    if (!('omittable' in field) || !omitted.has(field.name)) return [];
    const derived = DERIVED[field.name];
    return derived === undefined ? [field.column] : [field.column, derived];
  });
}
