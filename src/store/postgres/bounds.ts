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
  return `${field}: longer than ${MOST_BYTES[field]} bytes, the most that the database can index`;
}

function fits(field: keyof typeof MOST_BYTES, text: string): boolean {
  const most = MOST_BYTES[field];
  return text.length <= most / 6 || Buffer.byteLength(encodeNul(text)) <= most;
}
