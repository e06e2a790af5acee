import { setImmediate } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import type { Cleared } from '../store.ts';
import type { OmittableField } from '../../model/task.ts';
import { withFile } from './failure.ts';
import { dropForReaders } from './for-readers.ts';
import { clearRejections } from './rejection-text.ts';
import { columnsOf } from './fields.ts';
import { emptyWal } from './wal.ts';

/** Rows looked at in one transaction: some tens of ms of work. */
const ROWS_AT_ONCE = 4_000;

/**
 * What is being cleared, in order: the columns of tasks, the journal, the rejected rows; then SQLite writes the file anew,
 * since what was deleted stays in its free space until then (sqlite.org/lang_vacuum.html), and empties the WAL.
 */
type Stage = 'tasks' | 'task_changes' | 'rejected_rows' | 'file' | 'wal' | 'cleared';

/** What clears the fields that must not be kept, and how it writes. */
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
 * Takes what earlier settings let the mirror keep of the fields in `omit` out of the file, in steps that last, until
 * `signal` aborts. Where a step leaves off is in the file itself: whoever comes next goes on there. Where nothing is to be
 * done, that costs one read of a few rows. Returns the fields that it cleared, and those that are left to the next run.
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

/** The fields in `omit` that are not cleared, as far as is known. */
export function uncleared(db: Database.Database, omit: Iterable<OmittableField>): OmittableField[] {
  const cleared = new Set(
    db.prepare<[], string>("select field from omitted_fields where stage = 'cleared'").pluck().all(),
  );
  return [...omit].filter((field) => !cleared.has(field));
}

/**
 * From now on these fields may be stored, so that none of them counts as cleared any more. To be used inside the transaction
 * that stores them.
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

/** A field that comes while others are being cleared begins with all of them from the first row. */
function begin({ db, omit }: Clearing): void {
  prepareKeepAgain(db, omit)();
  const known = db.prepare<[string]>('select 1 from omitted_fields where field = ?').pluck();
  const fresh = [...omit].filter((field) => known.get(field) === undefined);
  if (fresh.length === 0) return;
  // The index holds the words of what goes; and all of this is made again quicker than it is kept up.
  dropForReaders(db);
  const add = db.prepare<[string]>(
    "insert into omitted_fields (field, stage, through) values (?, 'tasks', 0)",
  );
  for (const field of fresh) add.run(field);
  enter(db, { stage: 'tasks', through: 0 });
}

/** Does the next step. False: there is none, or it has to wait for another run. */
function step(parts: Clearing): boolean {
  const { db, write } = parts;
  const stage = progress(db)?.stage;
  switch (stage) {
    case undefined:
    case 'cleared':
      return false;
    case 'file':
      // Under the lease, and once more: another process may have made it again meanwhile.
      write(() => dropForReaders(db));
      db.prepare('vacuum').run();
      write(() => leave(db, { stage: 'file', to: 'wal' }));
      return true;
    case 'wal':
      if (!emptyWal(db)) return false;
      write(() => leave(db, { stage: 'wal', to: 'cleared' }));
      return true;
    default:
      // Chosen anew under the lock: another source's run may have taken this step meanwhile.
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

/** The last rowid of the next rows; null: there are no more. */
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

/** Where those fields stand that are not cleared yet: they go together. Undefined: there are none. */
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

/** Of a stage that was done outside of a transaction: meanwhile another process may have begun with a further field. */
function leave(db: Database.Database, { stage, to }: { stage: Stage; to: Stage }): void {
  db.prepare<[Stage, Stage]>('update omitted_fields set stage = ? where stage = ?').run(to, stage);
}
