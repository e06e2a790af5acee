import type { Outcome, RunKind } from '../model/run.ts';

/** The process that holds the lease of a source. */
export interface LeaseHolder {
  pid: number;
  host: string;
  /** When it took the lease: UTC text. */
  since: string;
}

/**
 * A row of `mirror_status`, with the gaps that the view only counts, and the lease. Times are UTC text or null.
 */
export interface SourceStatus {
  source: string;
  /** The base URL of its API. */
  baseUrl: string;
  /** Every task with activity up to this moment is mirrored; null: nothing is proven yet. */
  completeThrough: string | null;
  /** The head of the last run that began: everything at or below it is mirrored, except in gaps. */
  watermark: string | null;
  /** Ranges that may lack tasks, newest first: lower < activity <= upper; lower null: to the list's end. */
  gaps: { lower: string | null; upper: string }[];
  /** Tasks that are not removed. */
  liveRows: number;
  /** Tasks that are pending, running or awaiting_approval. */
  openTasks: number;
  /** Rows in `rejected_rows`. */
  rejectedRows: number;
  /** Tasks marked as removed. */
  removedRows: number;
  /** The overlap that runs have learned to need, in ms; 0: the configured one was always enough. */
  learnedOverlapMs: number;
  /** The API's total, as the last run's first page reported it; null if it reported none. */
  apiTotal: number | null;
  /** Live tasks that this source also shows while another source holds them, by that source's name. */
  heldBy: { source: string; rows: number }[];
  /** Start of the last run. */
  lastRunAt: string | null;
  lastRunKind: RunKind | null;
  /** Null while the run is in progress. */
  lastRunOutcome: Outcome | null;
  /** End of the last run with the outcome ok or partial. */
  lastSuccessAt: string | null;
  /** End of the last full walk that proved all of its steps. */
  lastCleanFullAt: string | null;
  /** The process that syncs the source now; null: nobody does, or the one that did is dead. */
  holder: LeaseHolder | null;
}
