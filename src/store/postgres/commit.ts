import { createHash } from 'node:crypto';
import type { OmittableField, RejectedRow, Task } from '../../model/task.ts';
import { utcText } from '../../model/task.ts';
import { columnsOf } from '../sql/columns.ts';
import { keyOfPayload } from '../sql/rejection-key.ts';
import type { Change, Committed } from '../store.ts';
import { isKey } from './bounds.ts';
import { commitSql } from './commit-sql.ts';
import type { HeldLease, Write } from './held-lease.ts';
import { IncomingTasks, numbersIn } from './incoming.ts';
import { findKnown, NONE_KNOWN, type Version } from './known.ts';
import { encodeNul } from './nul.ts';
import { movesOf } from './source-state.ts';

/**
 * Bytes of the tasks of one statement, give or take a task: a server takes much more, but holds it several times
 * over.
 */
const MOST_BYTES = 8_000_000;
/** Attempts at a batch of tasks that other sources write at the same time. */
const ATTEMPTS = 5;

/** Rolls back what was only tried. */
export class TriedOnly extends Error {}

/** Writes batches of one source. */
export interface CommitDeps {
  lease: HeldLease;
  /** The quoted name of the schema with a dot. */
  s: string;
  omit: ReadonlySet<OmittableField>;
}

/** The result of a batch: of the committed tasks, and of the rows that a sweep has to mark. */
export interface Written extends Omit<Committed, 'setAside'> {
  /** Row numbers of all tasks of the batch, in a sweep. */
  rowNumbers: number[];
  /** Keys of the rejected rows. */
  rejectedKeys: string[];
}

interface CommitRow {
  whole: boolean;
  inserted: string | null;
  updated: string | null;
  healed: string | null;
  met: string | null;
}

/**
 * Commits a change in one statement, or in several of one transaction if it is large or shows a task in
 * several versions. `now` is UTC text. In a sweep, tasks that the server knows as they are stay here, found by a
 * statement before: see {@link findKnown}. With `tryOnly`, rolls the change back: only a failure tells something.
 */
export async function commitChange(
  { lease, s, omit }: CommitDeps,
  change: Change,
  { now, isSweep, tryOnly = false }: { now: string; isSweep: boolean; tryOnly?: boolean },
): Promise<Written> {
  const sql = commitSql(s);
  const refused = rejectionsOf(change.rejected);
  const versions = versionsOf(change.tasks);
  const known = isSweep && !tryOnly ? await findKnown({ lease, s, omit }, versions, change) : NONE_KNOWN;
  if (known.isAll) {
    return { ...new Tally(change.tasks).written(), rowNumbers: known.rowNumbers, rejectedKeys: [] };
  }
  const parts = partsOf(
    versions.filter((version) => !known.versions.has(version)),
    omit,
  );
  const writePart = async (write: Write, part: IncomingTasks, tally: Tally): Promise<void> => {
    const isLast = part === parts.at(-1);
    const values = [
      now,
      JSON.stringify(isLast ? [...refused.values()] : []),
      JSON.stringify(isLast ? movesOf(change) : {}),
      [...columnsOf(omit)],
      isSweep,
      [...omit],
      ...part.values(),
    ];
    for (let attempt = 1; ; attempt += 1) {
      const [row] = await write<CommitRow>(sql, values);
      if (row === undefined) throw new Error('A statement without a result.');
      tally.add(row, part);
      if (row.whole) return;
      if (attempt === ATTEMPTS) throw new Error('Other sources kept writing the same tasks.');
    }
  };
  let tally = new Tally(change.tasks);
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0 && !tryOnly) {
    await writePart((text, values) => lease.write(text, values), only, tally);
  } else {
    await lease.transaction(async (write) => {
      tally = new Tally(change.tasks);
      for (const part of parts) await writePart(write, part, tally);
      if (tryOnly) throw new TriedOnly();
    });
  }
  const { rowNumbers, ...written } = tally.written();
  return {
    ...written,
    rowNumbers: [...known.rowNumbers, ...rowNumbers],
    rejectedKeys: [...refused.keys()],
  };
}

/** The tasks of a batch, without a version that only repeats the one before it, as pages that overlap do. */
function versionsOf(tasks: readonly Task[]): Version[] {
  const last = new Map<string, Task>();
  const versions: Version[] = [];
  for (const [n, task] of tasks.entries()) {
    const before = last.get(task.id);
    if (before !== undefined && isSame(before, task)) continue;
    last.set(task.id, task);
    versions.push({ n, task });
  }
  return versions;
}

/**
 * Cuts the tasks into those of one statement each: none is too long, and none has an id twice, so that versions of
 * one task are written one after the other.
 */
function partsOf(versions: readonly Version[], omit: ReadonlySet<OmittableField>): IncomingTasks[] {
  const parts = [new IncomingTasks(omit)];
  const partOf = new Map<string, number>();
  let current = 0;
  for (const { n, task } of versions) {
    const before = partOf.get(task.id);
    let at = Math.max(current, before === undefined ? 0 : before + 1);
    if ((parts[at]?.bytes ?? 0) > MOST_BYTES) at += 1;
    // A second version opens a part of its own, which later tasks need not follow into.
    if (before === undefined) current = at;
    (parts[at] ??= new IncomingTasks(omit)).add(task, n);
    partOf.set(task.id, at);
  }
  return parts;
}

function isSame(a: Task, b: Task): boolean {
  for (const key in a) if (a[key as keyof Task] !== b[key as keyof Task]) return false;
  return true;
}

/** The rejected rows of a change by their keys, as `json_to_recordset` reads them. */
function rejectionsOf(rows: readonly RejectedRow[]): Map<string, object> {
  return new Map(
    rows.map(({ id, payload, reason, activity }) => {
      const row_key = keyOf(id, payload);
      const row = {
        row_key,
        task_id: id === null ? null : encodeNul(id),
        payload: encodeNul(payload),
        reason: encodeNul(reason),
        last_activity_at: activity === undefined || activity === null ? null : utcText(activity),
      };
      return [row_key, row];
    }),
  );
}

/** Returns the key of a rejected row, as the database holds it. */
export function keyOf(id: string | null, payload: string): string {
  if (id === null) return keyOfPayload(payload);
  return isKey(id) ? encodeNul(id) : `sha256:${createHash('sha256').update(id).digest('hex')}`;
}

/** The fate of each task of a change, over all statements that it took. */
class Tally {
  readonly #tasks: readonly Task[];
  readonly #inserted = new Set<number>();
  readonly #updated = new Set<number>();
  readonly #healed = new Set<number>();
  readonly #rowNumbers: number[] = [];

  constructor(tasks: readonly Task[]) {
    this.#tasks = tasks;
  }

  /** Adds the result of the statement that wrote these. */
  add({ inserted, updated, healed, met }: CommitRow, written: IncomingTasks): void {
    for (const n of written.placesOf(inserted)) this.#inserted.add(n);
    for (const n of written.placesOf(updated)) this.#updated.add(n);
    for (const n of written.placesOf(healed)) this.#healed.add(n);
    this.#rowNumbers.push(...numbersIn(met));
  }

  written(): Omit<Written, 'rejectedKeys'> {
    const ids = (of: ReadonlySet<number>): string[] =>
      [...of].toSorted((a, b) => a - b).flatMap((n) => this.#tasks[n]?.id ?? []);
    return {
      inserted: this.#inserted.size,
      updated: this.#updated.size,
      unchanged: this.#tasks.length - this.#inserted.size - this.#updated.size,
      insertedIds: ids(this.#inserted),
      updatedIds: ids(this.#updated),
      healedIds: ids(this.#healed),
      rowNumbers: this.#rowNumbers,
    };
  }
}
