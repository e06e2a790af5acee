import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log.ts';
import type { MirrorClaim, UpsertCounts } from '../store/store.ts';
import type { RunKind } from '../model/run.ts';
import type { TaskSource } from '../source/source.ts';

/** What a run works with. */
export interface RunDeps {
  source: TaskSource;
  claim: MirrorClaim;
  clock: Clock;
  log: Log;
}

export interface RunOptions {
  /** Rows asked for with one list request. */
  pageSize: number;
  /** Requests under way at once. */
  concurrency: number;
  /** How far below the watermark to read again, for rows that appeared late; a larger one that was learned wins. */
  overlapMs: number;
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** Where a run stands, after each step. */
export interface Progress {
  kind: RunKind;
  /** Rows from the top of the list, and how many the API says there are; null where it does not say. */
  offset: number;
  total: number | null;
  requests: number;
  rowsSeen: number;
  inserted: number;
  updated: number;
}

/** What a run did, also as far as it came where it failed. */
export interface RunCounts extends UpsertCounts {
  requests: number;
  rowsSeen: number;
  rejected: number;
  removed: number;
}
