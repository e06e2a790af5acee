import type Database from 'better-sqlite3';
import type { LeaseHolder, MirrorReader, RunSummary, SourceStatus } from '../store.ts';
import type { LastRuns } from '../../model/run.ts';
import { type Holder, thisProcess } from '../sql/holder.ts';
import { lastRunsSql, type LastRunsRow, toLastRuns } from '../sql/last-runs.ts';
import { type RunRow, toRunSummary, toSourceStatus } from '../sql/status-rows.ts';
import { withFile } from './failure.ts';
import { isHeld, type LeaseRun } from './lease.ts';
import { leftoversOf } from './leftovers.ts';
import { openReadOnly } from './readonly.ts';
import { retentionState } from './retention.ts';
import { prepare } from './statement.ts';
import type { MirrorStatusView } from './tables.ts';

/** Opens the mirror for reading, even if nothing may be written. Throws DatabaseError. */
export async function openMirrorReader(file: string): Promise<MirrorReader> {
  const db = openReadOnly(file);
  const clock = { now: () => Date.now() };
  return {
    status: async () => withFile(file, () => readStatus(db, thisProcess(clock), clock.now())),
    recentRuns: async (limit) => withFile(file, () => readRuns(db, limit)),
    retention: async () => withFile(file, () => retentionState(db)),
    leftovers: async (fields) => withFile(file, () => leftoversOf(db, fields)),
    close: async () => void db.close(),
  };
}

interface GapRow {
  source: string;
  lower: string | null;
  upper: string;
}

interface HeldRow {
  source: string;
  holder: string;
  rows: number;
}

type HolderRow = LeaseRun & { source: string };

/**
 * Reads every source at `now`, in ms, as `reader` sees it: it knows which processes of its host are dead.
 *
 * @internal
 */
export function readStatus(db: Database.Database, reader: Holder, now: number): SourceStatus[] {
  const rows = prepare<object, MirrorStatusView>(db, (q) =>
    q.selectFrom('mirror_status').selectAll().orderBy('source'),
  );
  const gaps = prepare<object, GapRow>(db, (q) => q.selectFrom('gaps').selectAll().orderBy('upper', 'desc'));
  const held = prepare<object, HeldRow>(db, (q) =>
    q
      .selectFrom('also_shown')
      .innerJoin('tasks', 'tasks.id', 'also_shown.task_id')
      .select((eb) => ['also_shown.source', 'tasks.source as holder', eb.fn.countAll<number>().as('rows')])
      .groupBy(['also_shown.source', 'tasks.source'])
      .orderBy('holder'),
  );
  const leases = prepare<object, HolderRow>(db, (q) =>
    q
      .selectFrom('sync_runs')
      .select(['source', 'pid', 'host', 'started_at', 'renewed_at', 'finished_at'])
      .where('renewed_at', 'is not', null),
  );
  // One transaction: all of it as of the same moment.
  const read = db.transaction(() => {
    const holders = new Map(
      leases.all({}).flatMap((run) => (isHeld(run, reader, now) ? [[run.source, holderOf(run)]] : [])),
    );
    const others = { gaps: gaps.all({}), held: held.all({}), holders };
    return rows.all({}).map((row) => statusOf(row, others));
  });
  return read.deferred();
}

function holderOf({ pid, host, started_at: since }: LeaseRun & { pid: number }): LeaseHolder {
  return { pid, host: host ?? '', since };
}

/** @internal */
export function readRuns(db: Database.Database, limit: number): RunSummary[] {
  return prepare<{ limit: number }, RunRow>(db, (q, p) =>
    q.selectFrom('sync_runs').selectAll().orderBy('id', 'desc').limit(p('limit')),
  )
    .all({ limit })
    .map(toRunSummary);
}

function statusOf(
  row: MirrorStatusView,
  {
    gaps,
    held,
    holders,
  }: {
    gaps: readonly GapRow[];
    held: readonly HeldRow[];
    holders: ReadonlyMap<string, LeaseHolder>;
  },
): SourceStatus {
  return toSourceStatus(row, {
    gaps: gaps.filter(({ source }) => source === row.source).map(({ lower, upper }) => ({ lower, upper })),
    heldBy: held
      .filter(({ source }) => source === row.source)
      .map(({ holder, rows }) => ({ source: holder, rows })),
    holder: holders.get(row.source) ?? null,
  });
}

/** @internal */
export function readLastRuns(db: Database.Database, source: string): LastRuns {
  const row = db.prepare<[string], LastRunsRow>(lastRunsSql('sync_runs', '?')).get(source);
  return toLastRuns(row);
}
