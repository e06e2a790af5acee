import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log.ts';
import type { MirrorClaim, UpsertCounts } from '../store/store.ts';
import type { RunKind } from '../model/run.ts';
import type { TaskSource } from '../source/source.ts';

/** Dependencies of a run. */
export interface RunDeps {
  source: TaskSource;
  claim: MirrorClaim;
  clock: Clock;
  log: Log;
}

export interface RunOptions {
  /** Rows asked for with each list request. */
  pageSize: number;
  /** Requests under way at once. */
  concurrency: number;
  /** How far below the watermark to read again, for rows that came late; a larger learned overlap wins. */
  overlapMs: number;
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** The progress of a run after a step. */
export interface Progress {
  kind: RunKind;
  /** Rows from the top of the list, and how many the API reports; null if it does not report them. */
  offset: number;
  total: number | null;
  requests: number;
  rowsSeen: number;
  inserted: number;
  updated: number;
}

/** Counts of what a run did; if it failed, until then. */
export interface RunCounts extends UpsertCounts {
  requests: number;
  rowsSeen: number;
  rejected: number;
  removed: number;
}
