import type Database from 'better-sqlite3';
import type { Leftover } from '../store.ts';
import type { OmittableField } from '../../model/task.ts';
import { columnsOf } from '../sql/columns.ts';
import { uncleared } from './omitted.ts';
import { countRejectionsWith } from './rejection-text.ts';

/** Returns the fields of these that have remains, by reading all that is stored. */
export function leftoversOf(db: Database.Database, fields: readonly OmittableField[]): Leftover[] {
  const left = new Set(uncleared(db, fields));
  // One transaction: a value gone from one place has not moved to another meanwhile.
  const look = db.transaction(() =>
    fields.map((field) => ({ ...countStored(db, field), inFreeSpace: left.has(field) })),
  );
  return look
    .deferred()
    .filter(({ tasks, changes, rejected, inFreeSpace }) => inFreeSpace || tasks + changes + rejected > 0);
}

function countStored(db: Database.Database, field: OmittableField): Omit<Leftover, 'inFreeSpace'> {
  const columns = columnsOf([field]);
  const isStored = columns.map((column) => `${column} is not null`).join(' or ');
  const count = db.prepare<[string], Omit<Leftover, 'inFreeSpace' | 'field' | 'rejected'>>(
    `select (select count(*) from tasks where ${isStored}) as tasks,
      (select count(*) from task_changes where field in (select value from json_each(?))) as changes`,
  );
  const { tasks, changes } = count.get(JSON.stringify(columns)) ?? { tasks: 0, changes: 0 };
  return { field, tasks, changes, rejected: countRejectionsWith(db, [field]) };
}
