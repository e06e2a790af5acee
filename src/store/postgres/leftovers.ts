import type { OmittableField } from '../../model/task.ts';
import { columnsOf } from '../sql/columns.ts';
import type { Leftover } from '../store.ts';
import type { Database } from './connection.ts';
import type { Query } from './connection.ts';
import { uncleared } from './omitted.ts';
import { countRejectionsWith } from './rejection-text.ts';

/** Returns the fields of these that have remains, by reading all that is stored. */
export async function leftoversOf(
  db: Database,
  s: string,
  fields: readonly OmittableField[],
): Promise<Leftover[]> {
  const left = new Set(await uncleared(db.query, s, fields));
  const found: Leftover[] = [];
  for (const field of fields) {
    const stored = await countStored(db.query, s, field);
    const inFreeSpace = left.has(field);
    if (inFreeSpace || stored.tasks + stored.changes + stored.rejected > 0)
      found.push({ ...stored, inFreeSpace });
  }
  return found;
}

async function countStored(
  query: Query,
  s: string,
  field: OmittableField,
): Promise<Omit<Leftover, 'inFreeSpace'>> {
  const columns = columnsOf([field]);
  const isStored = columns.map((column) => `${column} is not null`).join(' or ');
  const [row] = await query<{ tasks: number; changes: number }>(
    `select (select count(*) from ${s}tasks where ${isStored}) as tasks,
      (select count(*) from ${s}task_changes where field = any ($1::text[])) as changes`,
    [columns],
  );
  const { tasks, changes } = row ?? { tasks: 0, changes: 0 };
  return { field, tasks, changes, rejected: await countRejectionsWith(query, s, [field]) };
}
