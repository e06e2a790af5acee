import { setImmediate } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import type { Keep, Pruned } from '../store.ts';
import { edgeText } from '../sql/edge.ts';
import { withFile } from './failure.ts';

/** Lines of the journal that one transaction reads, and tasks that it deletes: some tens of ms of work. */
const LINES_AT_ONCE = 2_000;
const TASKS_AT_ONCE = 200;

/** The mirror to prune, and a way to write. */
export interface Pruning {
  db: Database.Database;
  /** Runs a step in a transaction of its own, under the lease. */
  write: (step: () => void) => void;
}

/**
 * Deletes everything older than `keep`, in durable steps, until `signal` aborts. Keeps the last change of
 * each task's status, however old it is: so its status, and since when it has it, remain known. If nothing is
 * old enough, this costs a look into an index, which the first call makes.
 */
export async function prune({ db, write }: Pruning, keep: Keep, signal: AbortSignal): Promise<Pruned> {
  const pruned: Pruned = { changes: 0, tasks: 0 };
  const repeat = async (hasWork: () => boolean, work: () => void): Promise<void> => {
    while (!signal.aborted && withFile(db.name, hasWork)) {
      write(work);
      await setImmediate();
    }
  };
  if (keep.changesSince !== null) {
    const since = edgeText(keep.changesSince);
    await repeat(...make(db, 'changes_by_time', 'on task_changes (observed_at)'));
    await repeat(
      () => nextLines(db, since, 1).length > 0,
      () => (pruned.changes += pruneLines(db, since)),
    );
  }
  if (keep.removedSince !== null) {
    const since = edgeText(keep.removedSince);
    await repeat(...make(db, 'tasks_by_removal', 'on tasks (removed_at) where removed_at is not null'));
    await repeat(
      () => nextRemoved(db, since, 1).length > 0,
      () => (pruned.tasks += pruneRemoved(db, since)),
    );
  }
  return pruned;
}

/** Returns the ends of what was pruned, as UTC text; null: nothing yet. */
export function retentionState(db: Database.Database): {
  changesThrough: string | null;
  removedThrough: string | null;
} {
  const row = position(db);
  return { changesThrough: row?.changes_through ?? null, removedThrough: row?.removed_through ?? null };
}

/** Returns the step that makes an index. Only pruning needs it, so nobody else pays for it. */
function make(db: Database.Database, name: string, on: string): [hasWork: () => boolean, work: () => void] {
  const find = db.prepare<[string]>("select 1 from sqlite_schema where type = 'index' and name = ?").pluck();
  return [() => find.get(name) === undefined, () => void db.exec(`create index if not exists ${name} ${on}`)];
}

interface Line {
  rowid: number;
  task_id: string;
  field: string;
  observed_at: string;
}

/** Returns lines older than `since` that no step has read yet, oldest first. */
function nextLines(db: Database.Database, since: string, limit: number): Line[] {
  const { changes_through: through = '', changes_rowid: rowid = 0 } = position(db) ?? {};
  return db
    .prepare<[string, string, string, number, number], Line>(
      `select rowid, task_id, field, observed_at from task_changes
       where observed_at >= ? and observed_at < ? and (observed_at > ? or rowid > ?)
       order by observed_at, rowid limit ?`,
    )
    .all(through ?? '', since, through ?? '', rowid, limit);
}

/** Returns how many lines it deleted. */
function pruneLines(db: Database.Database, since: string): number {
  const lines = nextLines(db, since, LINES_AT_ONCE);
  const last = lines.at(-1);
  if (last === undefined) return 0;
  const deleteLine = db.prepare<[number]>('delete from task_changes where rowid = ?');
  const deleteOlder = db.prepare<[string, string, number]>(
    `delete from task_changes where task_id = ? and observed_at <= ? and field = 'status' and rowid < ?`,
  );
  let deleted = 0;
  for (const { rowid, task_id, field, observed_at } of lines) {
    const { changes } =
      field === 'status' ? deleteOlder.run(task_id, observed_at, rowid) : deleteLine.run(rowid);
    deleted += changes;
  }
  note(db, { changes_through: last.observed_at, changes_rowid: last.rowid });
  return deleted;
}

function nextRemoved(
  db: Database.Database,
  since: string,
  limit: number,
): { id: string; removed_at: string }[] {
  return db
    .prepare<[string, number], { id: string; removed_at: string }>(
      'select id, removed_at from tasks where removed_at < ? order by removed_at limit ?',
    )
    .all(since, limit);
}

/** Deletes removed tasks with their lines of the journal. Returns how many tasks it deleted. */
function pruneRemoved(db: Database.Database, since: string): number {
  const deleteLines = db.prepare<[string, number]>(
    'delete from task_changes where rowid in (select rowid from task_changes where task_id = ? limit ?)',
  );
  const deleteTask = db.prepare<[string]>('delete from tasks where id = ?');
  let [left, deleted] = [LINES_AT_ONCE, 0];
  for (const { id, removed_at } of nextRemoved(db, since, TASKS_AT_ONCE)) {
    left -= deleteLines.run(id, left).changes;
    // The rest of a long history is for the next step.
    if (left === 0) break;
    deleteTask.run(id);
    deleted += 1;
    note(db, { removed_through: removed_at });
  }
  return deleted;
}

interface Position {
  changes_through: string | null;
  changes_rowid: number;
  removed_through: string | null;
}

function position(db: Database.Database): Position | undefined {
  return db.prepare<[], Position>('select * from retention_state').get();
}

function note(db: Database.Database, at: Partial<Position>): void {
  const before = position(db) ?? { changes_through: null, changes_rowid: 0, removed_through: null };
  db.exec('delete from retention_state');
  db.prepare<[Position]>(
    'insert into retention_state values (@changes_through, @changes_rowid, @removed_through)',
  ).run({ ...before, ...at });
}
