import { hash } from 'node:crypto';
import type { OmittableField, Task } from '../../model/task.ts';
import { JOURNALED } from '../sql/columns.ts';
import { BinaryRow } from './binary.ts';
import { columnOf, TASK_COLUMNS } from './columns.ts';

/** Bytes of a SHA-256. */
const LENGTH = 32;

/**
 * Returns SQL for the SHA-256 of all that a row holds of a task but its id. It is that of the row's binary
 * form, in which types, lengths and nulls are told: so no two different rows have the same form. Of the session's
 * settings it depends on the encoding alone, which client.ts sets.
 */
export function digestSql(row: string): string {
  return `sha256(record_send(row(${TASK_COLUMNS.map(({ name }) => `${row}.${name}`).join(', ')})))`;
}

/** Returns SQL for one of {@link digestsOf}, by its place from 1. */
export function nthDigestSql(digests: string, place: string): string {
  return `substring(${digests}::bytea from (${place}::int - 1) * ${LENGTH} + 1 for ${LENGTH})`;
}

/**
 * Returns what {@link digestSql} is for the rows that would hold these tasks without the fields in `omit`, one after
 * the other.
 */
export function digestsOf(tasks: readonly Task[], omit: ReadonlySet<OmittableField>): Buffer {
  const row = new BinaryRow();
  const fields = JOURNALED.map((field) => {
    const { type } = columnOf(field);
    return { name: field.name, type, isOmitted: omit.has(field.name as OmittableField) };
  });
  const digests = Buffer.allocUnsafe(tasks.length * LENGTH);
  for (const [at, task] of tasks.entries()) {
    row.begin(fields.length);
    for (const { name, type, isOmitted } of fields) row.add(type, isOmitted ? null : task[name]);
    hash('sha256', row.written, 'buffer').copy(digests, at * LENGTH);
  }
  return digests;
}
