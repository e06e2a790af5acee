/** The list that a mirror copies: a name for people, and where it comes from. */
export interface SourceIdentity {
  name: string;
  baseUrl: string;
}

/** `backfill`: until a walk has come to the end of the list; `incremental`: from the head down; `reconcile`: the whole list. */
export type RunKind = 'backfill' | 'incremental' | 'reconcile';
/** What a run proved of its walk: every step linked at once, linked after stepping back, or could not be shown. */
export type Verdict = 'clean' | 'repaired' | 'unproven';
/** `partial`: done, but rows were rejected or a walk stayed unproven. */
export type Outcome = 'ok' | 'partial' | 'failed' | 'interrupted';

/** A run that has ended, and when: UTC text. */
export interface EndedRun {
  id: number;
  endedAt: string;
}

/** How the newest runs of a source ended, by whatever process; null: no recent run did so. */
export interface LastRuns {
  /** The newest with the outcome ok or partial. */
  success: EndedRun | null;
  /** The newest full run with the outcome ok or partial. */
  full: EndedRun | null;
  /** The newest full run with the outcome failed. */
  failedFull: EndedRun | null;
}
