/** The list that a mirror copies: a name for people, and where it comes from. */
export interface SourceIdentity {
  name: string;
  baseUrl: string;
}

export type RunKind = 'backfill' | 'incremental' | 'reconcile';
export type Verdict = 'clean' | 'repaired' | 'unproven';
/** `partial`: done, but rows were rejected or a walk stayed unproven (exit 3). */
export type Outcome = 'ok' | 'partial' | 'failed' | 'interrupted';
