import { FIELDS } from '../../model/fields.ts';
import type { OmittableField } from '../../model/task.ts';
import type { DerivedColumns, TaskColumns } from './tables.ts';

/** What is worked out from a field that may be omitted, and so has to go with it. */
const DERIVED: { readonly [Name in OmittableField]?: keyof DerivedColumns } = { error: 'error_group' };

/** The columns of tasks that hold these fields, or what was worked out from them. */
export function columnsOf(fields: Iterable<OmittableField>): (keyof TaskColumns | keyof DerivedColumns)[] {
  const omitted = new Set<string>(fields);
  return FIELDS.flatMap((field) => {
    if (!('omittable' in field) || !omitted.has(field.name)) return [];
    const derived = DERIVED[field.name];
    return derived === undefined ? [field.column] : [field.column, derived];
  });
}
