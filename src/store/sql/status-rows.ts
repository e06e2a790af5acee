import type { Outcome, RunKind, Verdict } from '../../model/run.ts';
import type { RunSummary, SourceStatus } from '../store.ts';

/** What a status reads of a row of the view `mirror_status`. */
export interface StatusRow {
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
}

/** Returns the status of a source; `rest` is what no row of the view holds. */
export function toSourceStatus(
  row: StatusRow,
  rest: Pick<SourceStatus, 'gaps' | 'heldBy' | 'holder'>,
): SourceStatus {
  return {
    source: row.source,
    baseUrl: row.base_url,
    completeThrough: row.complete_through,
    watermark: row.watermark,
    gaps: rest.gaps,
    liveRows: row.live_rows,
    openTasks: row.open_tasks,
    rejectedRows: row.rejected_rows,
    removedRows: row.removed_rows,
    learnedOverlapMs: row.learned_overlap_ms,
    apiTotal: row.api_total,
    heldBy: rest.heldBy,
    lastRunAt: row.last_run_at,
    lastRunKind: row.last_run_kind as RunKind | null,
    lastRunOutcome: row.last_run_outcome as Outcome | null,
    lastSuccessAt: row.last_success_at,
    lastCleanFullAt: row.last_clean_full_at,
    holder: rest.holder,
  };
}

/** A row of `sync_runs`, without its lease. */
export interface RunRow {
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

export function toRunSummary(row: RunRow): RunSummary {
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
    error: row.error,
  };
}
