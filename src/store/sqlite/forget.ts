import { setImmediate } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import type { Clock } from '../../model/clock.ts';
import { UsageError } from '../../model/errors.ts';
import { utcText } from '../../model/task.ts';
import { counted } from '../../model/text.ts';
import type { Forgotten } from '../store.ts';
import { withFile } from './failure.ts';
import { closeRuns, type Lease } from './lease.ts';
import { prepareQueries } from './queries.ts';
import { rowsOf } from './rows.ts';
import { sourceRecord } from './source-record.ts';
import type { Upserter } from './upsert.ts';

/** Most rows that one transaction changes: some tens of ms of work. */
const BATCH = 500;

/** The tables about the source's list, each with what identifies its rows beside the source. */
const KEYS = [
  ['also_shown', 'task_id'],
  ['rejected_rows', 'row_key'],
] as const;

/** The mirror, and the lease of the source to forget. */
export interface Forgetting {
  db: Database.Database;
  upserter: Upserter;
  clock: Clock;
  lease: Lease;
}

/**
 * Deletes the source's watermark and gaps, so that nothing is promised of it from now on. Call inside the
 * transaction that takes its lease. Throws UsageError if it has live tasks, unless they may be removed.
 */
export function beginForgetting(
  db: Database.Database,
  name: string,
  { removeTasks }: { removeTasks: boolean },
): void {
  const live = db
    .prepare<[string], number>('select count(*) from tasks where source = ? and removed_at is null')
    .pluck()
    .get(name);
  if (live !== undefined && live > 0 && !removeTasks) {
    throw new UsageError(
      'source_has_tasks',
      { source: name, live },
      `source "${name}" still holds ${counted(live, 'live task')}; nothing was changed`,
    );
  }
  sourceRecord(db, name).move({
    ledger: { watermark: null, gaps: [] },
    total: null,
    surplus: null,
    learnedOverlapMs: 0,
  });
}

/**
 * Deletes the rest in durable steps: notes of others' tasks, rejected rows, live tasks, then the runs and the
 * lease among them. Other processes write between the steps. Throws the reason of `signal` if that aborts:
 * a second call goes on.
 */
export async function finishForgetting(
  { db, upserter, clock, lease }: Forgetting,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Forgotten> {
  const write = <T>(step: (now: string) => T): T => {
    const transaction = db.transaction(() => {
      lease.hold();
      return step(utcText(clock.now()));
    });
    return withFile(db.name, () => transaction.immediate());
  };
  const repeat = async (step: (now: string) => number): Promise<void> => {
    while (write(step) > 0) {
      await setImmediate();
      if (signal?.aborted !== true) continue;
      write((now) => closeRuns(db, name, { now, error: 'source forget was interrupted' }));
      signal.throwIfAborted();
    }
  };
  // First the notes: without them no other source can hand over a task to this one any more.
  for (const [table, key] of KEYS) {
    const some = `select ${key} from ${table} where source = :name limit ${BATCH}`;
    const remove = db.prepare(`delete from ${table} where source = :name and ${key} in (${some})`);
    await repeat(() => remove.run({ name }).changes);
  }
  const rows = rowsOf(db, name, { held: prepareQueries(db), upserter });
  const some = db
    .prepare<[string], string>(`select id from tasks where source = ? and removed_at is null limit ${BATCH}`)
    .pluck();
  const done = { removed: 0, handedOver: 0 };
  await repeat((now) => {
    const ids = some.all(name);
    const removed = rows.remove(ids, now);
    done.removed += removed;
    done.handedOver += ids.length - removed;
    return ids.length;
  });
  return { ...done, kept: write(() => dropName(db, name)) };
}

/** Deletes the runs, and the name unless removed tasks carry it. Returns how many do. */
function dropName(db: Database.Database, name: string): number {
  db.prepare('delete from sync_runs where source = ?').run(name);
  const kept =
    db.prepare<[string], number>('select count(*) from tasks where source = ?').pluck().get(name) ?? 0;
  if (kept === 0) db.prepare('delete from sources where name = ?').run(name);
  return kept;
}
