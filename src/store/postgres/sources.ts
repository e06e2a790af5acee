import { UsageError } from '../../model/errors.ts';
import { counted } from '../../model/text.ts';
import { LOOKED_AFTER_MS } from '../sql/looked-after.ts';
import type { Forgotten } from '../store.ts';
import type { Database, Query } from './connection.ts';
import type { HeldLease } from './held-lease.ts';
import { removeTasks as removeLive } from './shared-rows.ts';

/** Most tasks that are handed over or removed at a time. */
const BATCH = 1_000;

/** Returns the base URL of a source; null if the mirror does not know it. */
export async function baseUrlOf(query: Query, s: string, name: string): Promise<string | null> {
  const [row] = await query<{ base_url: string }>(`select base_url from ${s}sources where name = $1`, [name]);
  return row?.base_url ?? null;
}

/** Throws UsageError if the mirror has no source of this name. */
export async function assertKnown(query: Query, s: string, name: string): Promise<void> {
  const rows = await query<{ name: string }>(`select name from ${s}sources order by name`);
  const known = rows.map((row) => row.name);
  if (known.includes(name)) return;
  throw new UsageError('source_unknown', { source: name, known }, `the mirror has no source "${name}"`);
}

/** Renames a source in all tables. Throws UsageError if the new name is taken. Call under its lease. */
export async function rename(query: Query, s: string, name: string, to: string): Promise<void> {
  if ((await baseUrlOf(query, s, to)) !== null)
    throw new UsageError('source_exists', { source: to }, `the mirror already has a source "${to}"`);
  await query(`update ${s}sources set name = $2 where name = $1`, [name, to]);
}

/** Sets a source's base URL. */
export async function move(query: Query, s: string, name: string, baseUrl: string): Promise<void> {
  await query(`update ${s}sources set base_url = $2 where name = $1`, [name, baseUrl]);
}

/** The mirror, and the lease of the source to forget. */
interface Forgetting {
  db: Database;
  s: string;
  lease: HeldLease;
  /** UTC text. */
  now: string;
}

/**
 * Deletes the source's watermark and gaps, so that nothing is promised of it from now on, and then the rest in
 * durable steps: notes of others' tasks, rejected rows, live tasks, runs. Throws UsageError, having written
 * nothing, if it has live tasks, unless they may be removed. Throws the reason of `signal` if that aborts: a
 * second call goes on.
 */
export async function forget(
  parts: Forgetting,
  name: string,
  { removeTasks, signal }: { removeTasks: boolean; signal: AbortSignal | undefined },
): Promise<Forgotten> {
  const { s, lease, now } = parts;
  await lease.step((query) => beginForgetting(query, s, name, removeTasks));
  // First the notes: without them no other source can hand over a task to this one any more.
  for (const table of ['also_shown', 'rejected_rows']) {
    while (await lease.step((query) => deleteSome(query, `${s}${table}`, name))) signal?.throwIfAborted();
  }
  const done = { removed: 0, handedOver: 0 };
  for (let ids = await someLive(parts, name); ids.length > 0; ids = await someLive(parts, name)) {
    const since = new Date(Date.parse(now) - LOOKED_AFTER_MS).toISOString();
    const removed = await removeLive(lease, s, { source: name, ids, now, since });
    done.removed += removed;
    done.handedOver += ids.length - removed;
    signal?.throwIfAborted();
  }
  return { ...done, kept: await lease.step((query) => dropName(query, s, name)) };
}

async function beginForgetting(query: Query, s: string, name: string, removeTasks: boolean): Promise<void> {
  const [count] = await query<{ live: number }>(
    `select count(*) as live from ${s}tasks where source = $1 and removed_at is null`,
    [name],
  );
  const live = count?.live ?? 0;
  if (live > 0 && !removeTasks) {
    throw new UsageError(
      'source_has_tasks',
      { source: name, live },
      `source "${name}" still holds ${counted(live, 'live task')}; nothing was changed`,
    );
  }
  await query(`delete from ${s}gaps where source = $1`, [name]);
  await query(
    `update ${s}sources set watermark = null, api_total = null, learned_overlap_ms = 0, total_surplus = null
    where name = $1`,
    [name],
  );
}

async function someLive({ db, s }: Forgetting, name: string): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from ${s}tasks where source = $1 and removed_at is null limit ${BATCH}`,
    [name],
  );
  return rows.map(({ id }) => id);
}

/** Deletes some rows about the source's list; false: there were none. */
async function deleteSome(query: Query, table: string, name: string): Promise<boolean> {
  const rows = await query(
    `delete from ${table} where ctid = any (array(
      select ctid from ${table} where source = $1 limit ${BATCH}
    )) returning 1`,
    [name],
  );
  return rows.length > 0;
}

/** Deletes the runs, and the name unless removed tasks carry it. Returns how many do. */
async function dropName(query: Query, s: string, name: string): Promise<number> {
  await query(`delete from ${s}sync_runs where source = $1`, [name]);
  const [count] = await query<{ kept: number }>(`select count(*) as kept from ${s}tasks where source = $1`, [
    name,
  ]);
  const kept = count?.kept ?? 0;
  if (kept === 0) await query(`delete from ${s}sources where name = $1`, [name]);
  return kept;
}
