import type { Outcome, RunKind, Verdict } from '../../model/run.ts';
import type { MirrorReader, RunSummary, SourceStatus } from '../store.ts';
import type { Database } from './connection.ts';
import { leftoversOf } from './leftovers.ts';
import { decodeNul } from './nul.ts';
import { utcSql } from './names.ts';
import { retentionState } from './retention.ts';

interface StatusRow {
  source: string;
  base_url: string;
  complete_through: string | null;
  watermark: string | null;
  live_rows: number;
  api_total: number | null;
  learned_overlap_ms: number;
  open_tasks: number;
  rejected_rows: number;
  removed_rows: number;
  last_run_at: string | null;
  last_run_kind: string | null;
  last_run_outcome: string | null;
  last_success_at: string | null;
  last_clean_full_at: string | null;
  lowers: (string | null)[] | null;
  uppers: string[] | null;
  holders: string[] | null;
  held: number[] | null;
}

/** Returns the questions about a mirror, on a database that {@link assertMirror} has accepted. */
export function readerOf(db: Database, s: string): MirrorReader {
  return {
    status: () => readStatus(db, s),
    recentRuns: (limit) => readRuns(db, s, limit),
    retention: () => retentionState(db.query, s),
    leftovers: (fields) => leftoversOf(db, s, fields),
    close: () => db.end(),
  };
}

/** Returns SQL for what other sources hold of the tasks that a source shows, in the order of their names. */
const shared = (column: string): string =>
  `(select array_agg(${column} order by holder) from shared where shared.source = m.source)`;

/** One statement: all of it as of the same moment. */
async function readStatus(db: Database, s: string): Promise<SourceStatus[]> {
  const edges = (edge: string): string =>
    `(select array_agg(${utcSql(edge)} order by g.upper desc) from ${s}gaps g where g.source = m.source)`;
  const rows = await db.query<StatusRow>(
    `with shared as (
      select a.source, t.source as holder, count(*) as rows
      from ${s}also_shown a join ${s}tasks t on t.id = a.task_id group by 1, 2
    )
    select m.*, ${edges('g.lower')} as lowers, ${edges('g.upper')} as uppers,
      ${shared('holder')} as holders, ${shared('rows::int')} as held
    from ${s}mirror_status m order by source`,
  );
  return rows.map(toStatus);
}

async function readRuns(db: Database, s: string, limit: number): Promise<RunSummary[]> {
  const rows = await db.query<RunRow>(`select * from ${s}sync_runs order by id desc limit $1`, [limit]);
  return rows.map(toRunSummary);
}

function toStatus(row: StatusRow): SourceStatus {
  return {
    source: row.source,
    baseUrl: row.base_url,
    completeThrough: row.complete_through,
    watermark: row.watermark,
    gaps: (row.uppers ?? []).map((upper, at) => ({ lower: row.lowers?.[at] ?? null, upper })),
    liveRows: row.live_rows,
    openTasks: row.open_tasks,
    rejectedRows: row.rejected_rows,
    removedRows: row.removed_rows,
    learnedOverlapMs: row.learned_overlap_ms,
    apiTotal: row.api_total,
    heldBy: (row.holders ?? []).map((source, at) => ({ source, rows: row.held?.[at] ?? 0 })),
    lastRunAt: row.last_run_at,
    lastRunKind: row.last_run_kind as RunKind | null,
    lastRunOutcome: row.last_run_outcome as Outcome | null,
    lastSuccessAt: row.last_success_at,
    lastCleanFullAt: row.last_clean_full_at,
  };
}

interface RunRow {
  id: number;
  source: string;
  kind: string;
  started_at: string;
  finished_at: string | null;
  outcome: string | null;
  verdict: string | null;
  requests: number;
  rows_seen: number;
  inserted: number;
  updated: number;
  unchanged: number;
  removed: number;
  rejected: number;
  error: string | null;
}

function toRunSummary(row: RunRow): RunSummary {
  return {
    id: row.id,
    source: row.source,
    kind: row.kind as RunKind,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    outcome: row.outcome as Outcome | null,
    verdict: row.verdict as Verdict | null,
    requests: row.requests,
    rowsSeen: row.rows_seen,
    inserted: row.inserted,
    updated: row.updated,
    unchanged: row.unchanged,
    removed: row.removed,
    rejected: row.rejected,
    error: row.error === null ? null : decodeNul(row.error),
  };
}
