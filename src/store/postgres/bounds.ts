import { FIELDS } from '../../model/fields.ts';
import type { Task } from '../../model/task.ts';
import { encodeNul } from './nul.ts';

/**
 * Most bytes of what indexes hold whole: an entry has 2,704 at most (postgresql.org/docs/current/btree.html), and
 * holds an id, a status, 100 characters of a name and an error's group (reader-indexes.ts).
 */
const MOST_BYTES = { id: 1_000, status: 200 } as const;

/** Returns whether an index can hold this id. */
export function isKey(id: string): boolean {
  return fits('id', id);
}

/** Returns why an index cannot hold a task; null if it can. */
export function tooLong({ id, status }: Pick<Task, 'id' | 'status'>): string | null {
  const field = fits('id', id) ? 'status' : 'id';
  if (field === 'status' && fits('status', status)) return null;
  return `${field}: longer than ${MOST_BYTES[field].toLocaleString('en-US')} bytes, the most that the database can index`;
}

function fits(field: keyof typeof MOST_BYTES, text: string): boolean {
  const most = MOST_BYTES[field];
  return text.length <= most / 6 || Buffer.byteLength(encodeNul(text)) <= most;
}

const TIMES = FIELDS.flatMap((field) => (field.kind === 'time' ? [field.name] : []));
const COUNTS = FIELDS.flatMap((field) => (field.kind === 'count' ? [field.name] : []));
const TIME_LENGTH = '2026-01-01T00:00:00.000Z'.length;

/** Returns why a column cannot hold a task; null if all can. */
export function outOfRange(task: Task): string | null {
  for (const name of TIMES) {
    const time = task[name];
    if (time !== null && (time.length !== TIME_LENGTH || time < '0001'))
      return `${name}: not UTC text in the years 1 to 9999, all that the database can hold`;
  }
  for (const name of COUNTS) {
    if (!Number.isSafeInteger(task[name])) return `${name}: not a whole number below 2^53`;
  }
  return null;
}
