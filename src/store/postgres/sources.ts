import { UsageError } from '../../model/errors.ts';
import { LOOKED_AFTER_MS } from '../sql/looked-after.ts';
import type { Forgotten } from '../store.ts';
import type { Database, Query } from './connection.ts';
import type { HeldLease } from './held-lease.ts';
import { giveUpTasks } from './shared-rows.ts';

/** Most tasks that are handed over or removed at a time. */
const BATCH = 5_000;

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

/**
 * Hands over or removes the live tasks of a source, in durable steps, and then deletes all data about its
 * list. `now` is UTC text. Throws UsageError if it holds live tasks that may not be removed.
 */
export async function forget(
  { db, s, lease }: { db: Database; s: string; lease: HeldLease },
  name: string,
  { removeTasks, now }: { removeTasks: boolean; now: string },
): Promise<Forgotten> {
  const [count] = await db.query<{ live: number }>(
    `select count(*) as live from ${s}tasks where source = $1 and removed_at is null`,
    [name],
  );
  const live = count?.live ?? 0;
  if (live > 0 && !removeTasks) {
    throw new UsageError(
      'source_has_tasks',
      { source: name, live },
      `source "${name}" still holds ${live} live tasks; nothing was changed`,
    );
  }
  const removed = await giveUp({ db, s, lease }, name, now);
  const kept = await lease.step((query) => forgetList(query, s, name));
  return { removed, handedOver: live - removed, kept };
}

/** Hands over the live tasks or marks them as removed; returns how many were removed. */
async function giveUp(
  { db, s, lease }: { db: Database; s: string; lease: HeldLease },
  name: string,
  now: string,
): Promise<number> {
  const since = new Date(Date.parse(now) - LOOKED_AFTER_MS).toISOString();
  let removed = 0;
  for (;;) {
    const rows = await db.query<{ id: string }>(
      `select id from ${s}tasks where source = $1 and removed_at is null limit ${BATCH}`,
      [name],
    );
    if (rows.length === 0) return removed;
    const ids = rows.map(({ id }) => id);
    removed += await giveUpTasks(lease, s, { source: name, ids, now, since });
  }
}

/** Returns how many removed tasks still carry the name: it stays for them, as if it had never been read. */
async function forgetList(query: Query, s: string, name: string): Promise<number> {
  for (const table of ['gaps', 'rejected_rows', 'also_shown', 'sync_runs']) {
    await query(`delete from ${s}${table} where source = $1`, [name]);
  }
  const [count] = await query<{ kept: number }>(`select count(*) as kept from ${s}tasks where source = $1`, [
    name,
  ]);
  const kept = count?.kept ?? 0;
  await query(
    kept === 0
      ? `delete from ${s}sources where name = $1`
      : `update ${s}sources set watermark = null, api_total = null, learned_overlap_ms = 0, total_surplus = null
        where name = $1`,
    [name],
  );
  return kept;
}
