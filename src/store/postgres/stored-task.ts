import { FIELDS, type TaskField } from '../../model/fields.ts';
import type { OmittableField, Task } from '../../model/task.ts';
import { derive } from '../sql/columns.ts';
import { decodeNul, encodeNul } from './nul.ts';

/** A task as `json_to_recordset` reads it; `n` is its place in the batch. */
export type IncomingTask = Record<string, unknown> & { n: number };

/** All names at once: V8 stringifies an object that is filled by computed names much more slowly than its copies. */
const BLANK: Readonly<IncomingTask> = JSON.parse(
  `{"n":0,${[...FIELDS.map(({ column }) => column), 'error_group', 'queue_ms', 'run_ms'].map((name) => `"${name}":null`).join(',')}}`,
);

/** Converts a task, without the fields in `omit`. */
export function toIncoming(task: Task, n: number, omit: ReadonlySet<OmittableField>): IncomingTask {
  const kept = omit.size === 0 ? task : { ...task, ...nothingOf(omit) };
  const row: IncomingTask = { ...BLANK, n };
  for (const { name, column } of FIELDS) {
    const value = kept[name];
    row[column] = typeof value === 'string' ? encodeNul(value) : value;
  }
  const { error_group, queue_ms, run_ms } = derive(kept);
  row['error_group'] = error_group === null ? null : encodeNul(error_group);
  row['queue_ms'] = queue_ms;
  row['run_ms'] = run_ms;
  return row;
}

function nothingOf(omit: ReadonlySet<OmittableField>): Partial<Task> {
  return Object.fromEntries([...omit].map((name) => [name, null]));
}

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
