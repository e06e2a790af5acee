import { FIELDS } from '../../model/fields.ts';
import { type Task, utcText } from '../../model/task.ts';
import type { CopyRow } from '../copyable.ts';
import { COPIED_COLUMNS, placesIn } from '../sql/copied-columns.ts';
import { keyOfPayload } from '../sql/rejection-key.ts';
import { tooLong } from './bounds.ts';
import { isTooEarly } from './copy-cells.ts';
import { asRejected, reasonOf } from './set-aside.ts';

const EARLY = 'a time before the year 1, which the database does not know';

/** Tasks that were inserted, and rows of rejected_rows for those that cannot be. */
export interface Divided {
  storable: CopyRow[];
  setAside: CopyRow[];
}

/**
 * Inserts tasks, and finds those that PostgreSQL cannot hold: by what is known of it, and then by halves, as
 * one of them fails its whole batch. `now` is UTC text.
 */
export async function divide(
  rows: readonly CopyRow[],
  insert: (rows: readonly CopyRow[]) => Promise<void>,
  now: string,
): Promise<Divided> {
  const setAside: CopyRow[] = [];
  const storable: CopyRow[] = [];
  const candidates = rows.filter((row) => {
    const reason = faultOf(row);
    if (reason !== null) setAside.push(rejectedRow(row, reason, now));
    return reason === null;
  });
  const insertSome = async (some: readonly CopyRow[]): Promise<void> => {
    try {
      await insert(some);
      storable.push(...some);
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === null) throw error;
      const [first] = some;
      if (some.length === 1 && first !== undefined) setAside.push(rejectedRow(first, reason, now));
      else {
        const middle = Math.ceil(some.length / 2);
        await insertSome(some.slice(0, middle));
        await insertSome(some.slice(middle));
      }
    }
  };
  await insertSome(candidates);
  return { storable, setAside };
}

const [ID = 0, SOURCE = 0, STATUS = 0] = placesIn('tasks', ['id', 'source', 'status']);

function faultOf(row: CopyRow): string | null {
  const long = tooLong({ id: String(row[ID]), status: String(row[STATUS]) });
  if (long !== null) return long;
  return COPIED_COLUMNS.tasks.some((column, at) => isTooEarly(column, row[at])) ? EARLY : null;
}

function rejectedRow(row: CopyRow, why: string, now: string): CopyRow {
  const { id, payload, reason, activity } = asRejected(taskOf(row), why, new Set());
  const at = activity === null || activity === undefined ? null : utcText(activity);
  const source = row[SOURCE] ?? null;
  // Never the key of a row that the API gave for this task.
  return [source, keyOfPayload(payload), id, payload, reason, now, now, at];
}

function taskOf(row: CopyRow): Task {
  const values = FIELDS.map(({ name, kind }, at) => [name, kind === 'boolean' ? row[at] === 1 : row[at]]);
  return Object.fromEntries(values) as Task;
}
