import { FIELDS, type TaskField } from '../../model/fields.ts';
import type { Task } from '../../model/task.ts';
import { decodeNul } from './nul.ts';

/** The columns of a task as a query returns them: times as UTC text, JSON as text. */
export type StoredTask = Record<TaskField['column'], unknown>;

/** Returns the task that a row holds. */
export function toTask(row: StoredTask): Task {
  const values = FIELDS.map(({ name, column }) => {
    const value = row[column];
    return [name, typeof value === 'string' ? decodeNul(value) : value];
  });
  return Object.fromEntries(values) as Task;
}
