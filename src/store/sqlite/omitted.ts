import { setImmediate } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import type { Cleared } from '../store.ts';
import type { OmittableField } from '../../model/task.ts';
import { withFile } from './failure.ts';
import { dropForReaders } from './for-readers.ts';
import { clearRejections } from './rejection-text.ts';
import { columnsOf } from '../sql/columns.ts';
import { emptyWal } from './wal.ts';

/** Rows read in one transaction: some tens of ms of work. */
const ROWS_AT_ONCE = 4_000;

/**
 * The parts to clear, in order: the columns of tasks, the journal, the rejected rows. SQLite then rewrites
 * the file, since deleted values stay in its free space until then (sqlite.org/lang_vacuum.html), and empties
 * the WAL.
 */
type Stage = 'tasks' | 'task_changes' | 'rejected_rows' | 'file' | 'wal' | 'cleared';

/** The mirror, the fields that must not be kept, and a way to write. */
export interface Clearing {
  db: Database.Database;
  omit: ReadonlySet<OmittableField>;
  /** Runs a step in a transaction of its own, under the lease; `now` is UTC text. */
  write: (step: (now: string) => void) => void;
}

interface Progress {
  stage: Stage;
  /** The last rowid that this stage has cleared. */
  through: number;
  fields: OmittableField[];
}

/**
 * Deletes from the file the fields in `omit` that earlier settings let the mirror keep, in durable steps,
 * until `signal` aborts. The file itself records where a step ends: the next run continues there. If nothing
 * is to be done, this costs one read of a few rows. Returns the fields that it cleared, and those left to the
 * next run.
 */
export async function clearOmitted(parts: Clearing, signal: AbortSignal): Promise<Cleared> {
  const { db, omit, write } = parts;
  const find = (): OmittableField[] => withFile(db.name, () => uncleared(db, omit));
  const before = omit.size === 0 ? [] : find();
  if (before.length === 0 || signal.aborted) return { cleared: [], left: before };
  write(() => begin(parts));
  while (!signal.aborted && withFile(db.name, () => step(parts))) await setImmediate();
  const left = find();
  return { cleared: before.filter((field) => !left.includes(field)), left };
}

/** Returns the fields in `omit` that are not known to be cleared. */
export function uncleared(db: Database.Database, omit: Iterable<OmittableField>): OmittableField[] {
  const cleared = new Set(
    db.prepare<[], string>("select field from omitted_fields where stage = 'cleared'").pluck().all(),
  );
  return [...omit].filter((field) => !cleared.has(field));
}

/**
 * Returns a step that marks all fields but `omit` as not cleared, since they may be stored from now on. Call
 * the step inside the transaction that stores them.
 */
export function prepareKeepAgain(db: Database.Database, omit: ReadonlySet<OmittableField>): () => void {
  const omitted = JSON.stringify([...omit]);
  let statement: Database.Statement<[string]> | undefined;
  return () => {
    statement ??= db.prepare(
      'delete from omitted_fields where field not in (select value from json_each(?))',
    );
    statement.run(omitted);
  };
}

/** Begins with the new fields. If others are being cleared, all of them begin again from the first row. */
function begin({ db, omit }: Clearing): void {
  prepareKeepAgain(db, omit)();
  const known = db.prepare<[string]>('select 1 from omitted_fields where field = ?').pluck();
  const fresh = [...omit].filter((field) => known.get(field) === undefined);
  if (fresh.length === 0) return;
  // The index holds words of the cleared text, and all of this is rebuilt faster than it is kept up to date.
  dropForReaders(db);
  const add = db.prepare<[string]>(
    "insert into omitted_fields (field, stage, through) values (?, 'tasks', 0)",
  );
  for (const field of fresh) add.run(field);
  enter(db, { stage: 'tasks', through: 0 });
}

/** Does the next step. False: there is none, or it must wait for another run. */
function step(parts: Clearing): boolean {
  const { db, write } = parts;
  const stage = progress(db)?.stage;
  switch (stage) {
    case undefined:
    case 'cleared':
      return false;
    case 'file':
      // Again, under the lease: another process may have rebuilt it meanwhile.
      write(() => dropForReaders(db));
      db.prepare('vacuum').run();
      write(() => leave(db, { stage: 'file', to: 'wal' }));
      return true;
    case 'wal':
      if (!emptyWal(db)) return false;
      write(() => leave(db, { stage: 'wal', to: 'cleared' }));
      return true;
    default:
      // Chosen again under the lock: another source's run may have taken this step meanwhile.
      write((now) => clearNext(db, now));
      return true;
  }
}

function clearNext(db: Database.Database, now: string): void {
  const at = progress(db);
  if (at?.stage === 'tasks') clearTasks(db, at, now);
  else if (at?.stage === 'task_changes') clearJournal(db, at);
  else if (at?.stage === 'rejected_rows') {
    const through = clearRejections(db, { fields: at.fields, after: at.through });
    enter(db, through === null ? { stage: 'file', through: 0 } : { stage: 'rejected_rows', through });
  }
}

function clearTasks(db: Database.Database, { through: after, fields }: Progress, now: string): void {
  const columns = columnsOf(fields);
  const through = endOfChunk(db, 'tasks', after);
  if (through === null) return enter(db, { stage: 'task_changes', through: 0 });
  db.prepare<[string, number, number]>(
    `update tasks set ${columns.map((column) => `${column} = null`).join(', ')}, changed_at = ?
     where rowid > ? and rowid <= ? and (${columns.map((column) => `${column} is not null`).join(' or ')})`,
  ).run(now, after, through);
  enter(db, { stage: 'tasks', through });
}

function clearJournal(db: Database.Database, { through: after, fields }: Progress): void {
  const through = endOfChunk(db, 'task_changes', after);
  if (through === null) return enter(db, { stage: 'rejected_rows', through: 0 });
  db.prepare<[number, number, string]>(
    'delete from task_changes where rowid > ? and rowid <= ? and field in (select value from json_each(?))',
  ).run(after, through, JSON.stringify(columnsOf(fields)));
  enter(db, { stage: 'task_changes', through });
}

/** Returns the last rowid of the next rows; null if there are no more. */
function endOfChunk(db: Database.Database, table: 'tasks' | 'task_changes', after: number): number | null {
  return (
    db
      .prepare<[number, number], number | null>(
        `select max(rowid) from (select rowid from ${table} where rowid > ? order by rowid limit ?)`,
      )
      .pluck()
      .get(after, ROWS_AT_ONCE) ?? null
  );
}

/** Returns the progress of the fields not cleared yet, which go together; undefined if there are none. */
function progress(db: Database.Database): Progress | undefined {
  const rows = db
    .prepare<[], { field: OmittableField; stage: Stage; through: number }>(
      "select field, stage, through from omitted_fields where stage <> 'cleared'",
    )
    .all();
  const [first] = rows;
  return first && { stage: first.stage, through: first.through, fields: rows.map(({ field }) => field) };
}

function enter(db: Database.Database, { stage, through }: Pick<Progress, 'stage' | 'through'>): void {
  db.prepare<[Stage, number]>(
    "update omitted_fields set stage = ?, through = ? where stage <> 'cleared'",
  ).run(stage, through);
}

/** Ends a stage that ran outside of a transaction: another process may have added a field meanwhile. */
function leave(db: Database.Database, { stage, to }: { stage: Stage; to: Stage }): void {
  db.prepare<[Stage, Stage]>('update omitted_fields set stage = ? where stage = ?').run(to, stage);
}
