import { FIELDS } from '../../model/fields.ts';
import type { OmittableField, Task } from '../../model/task.ts';
import { foldError } from './error-group.ts';

/** The fields whose changes the journal records, in its order. */
export const JOURNALED = FIELDS.filter((field) => !('fixed' in field));

/** The columns of tasks that are computed from others when a row is written. */
export interface DerivedColumns {
  error_group: string | null;
  queue_ms: number | null;
  run_ms: number | null;
}

/** Computes a task's derived columns. This takes time, and most rows of most runs are unchanged. */
export function derive({ error, createdAt, startedAt, completedAt }: Task): DerivedColumns {
  const started = startedAt === null ? null : Date.parse(startedAt);
  return {
    error_group: error === null ? null : foldError(error),
    queue_ms: started === null ? null : started - Date.parse(createdAt),
    run_ms: started === null || completedAt === null ? null : Date.parse(completedAt) - started,
  };
}

/** Columns computed from a field that may be omitted: they are omitted with it. */
const DERIVED: { readonly [Name in OmittableField]?: keyof DerivedColumns } = { error: 'error_group' };

/** Returns the columns of tasks that hold these fields, or values computed from them. */
export function columnsOf(
  fields: Iterable<OmittableField>,
): ((typeof FIELDS)[number]['column'] | keyof DerivedColumns)[] {
  const omitted = new Set<string>(fields);
  return FIELDS.flatMap((field) => {
    if (!('omittable' in field) || !omitted.has(field.name)) return [];
    const derived = DERIVED[field.name];
    return derived === undefined ? [field.column] : [field.column, derived];
  });
}
