import type { Keep, Pruned, RetentionState } from '../store.ts';
import type { Database, Query } from './connection.ts';
import { indexesOf, makeIndex } from './for-readers.ts';
import type { HeldLease } from './held-lease.ts';
import { edgeOf } from './source-state.ts';

/** Lines of the journal that one transaction reads, and tasks that it deletes: some tens of ms of work. */
const LINES_AT_ONCE = 2_000;
const TASKS_AT_ONCE = 200;

export interface Pruning {
  db: Database;
  /** The quoted name of the schema with a dot. */
  s: string;
  lease: HeldLease;
}

/**
 * Deletes everything older than `keep`, in durable steps, until `signal` aborts. Keeps the last change of
 * each task's status, however old it is: so its status, and since when it has it, remain known.
 */
export async function prune({ db, s, lease }: Pruning, keep: Keep, signal: AbortSignal): Promise<Pruned> {
  const pruned: Pruned = { changes: 0, tasks: 0 };
  /** Returns how much all steps deleted. */
  const repeat = async (step: (query: Query) => Promise<number | null>): Promise<number> => {
    let deleted = 0;
    while (!signal.aborted) {
      const more = await lease.step(async (query) => {
        // Sources may prune at the same time: where one has come to is noted before the other looks.
        await query(`lock table ${s}retention_state in share row exclusive mode`);
        return step(query);
      });
      if (more === null) break;
      deleted += more;
    }
    return deleted;
  };
  if (keep.changesSince !== null && !signal.aborted) {
    const since = edgeOf(keep.changesSince);
    await ensureIndex(db, s, { name: 'changes_by_time', on: 'task_changes (observed_at, change_no)' }, lease);
    pruned.changes = await repeat((query) => pruneLines(query, s, since));
  }
  if (keep.removedSince !== null && !signal.aborted) {
    const since = edgeOf(keep.removedSince);
    const on = 'tasks (removed_at) where removed_at is not null';
    await ensureIndex(db, s, { name: 'tasks_by_removal', on }, lease);
    pruned.tasks = await repeat((query) => pruneRemoved(query, s, since));
  }
  return pruned;
}

/** Returns the ends of what was pruned, as UTC text; null: nothing yet. */
export async function retentionState(query: Query, s: string): Promise<RetentionState> {
  const [row] = await query<{ changes_through: string | null; removed_through: string | null }>(
    `select changes_through, removed_through from ${s}retention_state`,
  );
  return { changesThrough: row?.changes_through ?? null, removedThrough: row?.removed_through ?? null };
}

/** Makes an index that only pruning needs, so nobody else pays for it. */
async function ensureIndex(
  db: Database,
  s: string,
  { name, on }: { name: string; on: string },
  lease: HeldLease,
): Promise<void> {
  const found = await indexesOf(db, s);
  if (found.isBuilding || found.states.get(name) === 'valid') return;
  const create = `create index concurrently if not exists ${name} on ${s}${on}`;
  await makeIndex(db, { s, found, lease }, { name, create });
}

/** Returns how many lines it deleted; null if there are none left to read. */
async function pruneLines(query: Query, s: string, since: string): Promise<number | null> {
  const [row] = await query<{ deleted: number; last: string | null; last_no: number | null }>(
    `with at as (
      select coalesce(max(changes_through), '-infinity') as through, coalesce(max(changes_no), 0) as no
      from ${s}retention_state
    ),
    next as materialized (
      select c.change_no, c.task_id, c.field, c.observed_at from at, ${s}task_changes c
      where c.observed_at < $1::timestamptz and c.observed_at >= at.through
        and (c.observed_at > at.through or c.change_no > at.no)
      order by c.observed_at, c.change_no limit ${LINES_AT_ONCE}
    ),
    deleted as (
      delete from ${s}task_changes c using next n
      where (n.field <> 'status' and c.change_no = n.change_no)
        or (n.field = 'status' and c.task_id = n.task_id and c.field = 'status'
          and c.observed_at <= n.observed_at and c.change_no < n.change_no)
      returning c.change_no
    ),
    last as (select observed_at, change_no from next order by observed_at desc, change_no desc limit 1)
    select (select count(*) from deleted) as deleted, (select observed_at from last) as last,
      (select change_no from last) as last_no`,
    [since],
  );
  if (row === undefined || row.last === null) return null;
  await note(query, s, { changes_through: row.last, changes_no: row.last_no ?? 0 });
  return row.deleted;
}

/**
 * Deletes removed tasks with their lines of the journal. Returns how many; null if there are none. Leaves out
 * tasks that somebody writes just now: they may be back.
 */
async function pruneRemoved(query: Query, s: string, since: string): Promise<number | null> {
  const next = await query<{ id: string; removed_at: string; lines: number }>(
    `select t.id, t.removed_at, (
      select count(*) from (
        select from ${s}task_changes c where c.task_id = t.id limit ${LINES_AT_ONCE + 1}
      ) as history
    ) as lines
    from ${s}tasks t where t.removed_at < $1::timestamptz
    order by t.removed_at limit ${TASKS_AT_ONCE} for update of t skip locked`,
    [since],
  );
  const [first] = next;
  if (first === undefined) return null;
  // A long history takes steps of its own.
  if (first.lines > LINES_AT_ONCE) {
    await query(
      `delete from ${s}task_changes where change_no in (
        select change_no from ${s}task_changes where task_id = $1 limit ${LINES_AT_ONCE}
      )`,
      [first.id],
    );
    return 0;
  }
  const ids: string[] = [];
  let [left, removedThrough] = [LINES_AT_ONCE, first.removed_at];
  for (const { id, lines, removed_at } of next) {
    left -= lines;
    if (left < 0) break;
    ids.push(id);
    removedThrough = removed_at;
  }
  await query(`delete from ${s}task_changes where task_id = any ($1::text[])`, [ids]);
  await query(`delete from ${s}tasks where id = any ($1::text[])`, [ids]);
  await note(query, s, { removed_through: removedThrough });
  return ids.length;
}

async function note(
  query: Query,
  s: string,
  at: { changes_through: string; changes_no: number } | { removed_through: string },
): Promise<void> {
  const columns = Object.keys(at);
  const values = Object.values(at);
  const set = columns.map((column, index) => `${column} = $${index + 1}`).join(', ');
  const changed = await query(`update ${s}retention_state set ${set} returning 1`, values);
  if (changed.length > 0) return;
  const all = { changes_through: null, changes_no: 0, removed_through: null, ...at };
  await query(
    `insert into ${s}retention_state (changes_through, changes_no, removed_through) values ($1, $2, $3)`,
    [all.changes_through, all.changes_no, all.removed_through],
  );
}
