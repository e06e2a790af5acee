import { InterruptedError } from '../model/errors.ts';
import type { Outcome, RunKind, Verdict } from '../model/run.ts';
import type { UpsertCounts } from '../store/store.ts';
import type { Copier } from './copier.ts';
import type { Plan } from './dry-run.ts';
import { completeThrough, type Ledger } from '../model/ledger.ts';
import { messageOf } from '../model/text.ts';
import { utcText } from '../model/task.ts';

/** The result of syncing one source: an object of `sync --json` (docs/json.md). Only ever gains fields. */
export interface SyncReport extends UpsertCounts {
  /** The name of the source. */
  name: string;
  /** Null if no run began. */
  kind: RunKind | null;
  outcome: Outcome;
  /** Null if the run did not come to its end. */
  verdict: Verdict | null;
  /** HTTP requests sent, retries included. */
  requests: number;
  /** Rows of the list that were received; walked pages overlap, so some come twice. */
  rowsSeen: number;
  /** Tasks marked as removed. */
  removed: number;
  /** Rows that did not validate, and tasks that the API did not give. */
  rejected: number;
  /** Remaining gaps. */
  gaps: number;
  /** UTC text: everything at or below it is mirrored; null if nothing is proven yet. */
  completeThrough: string | null;
  /** Duration in ms. */
  durationMs: number;
  /** The failure or the unproven step, in one line; null if there is neither. */
  error: string | null;
  /** The writes that a dry run would make; null for a real run. */
  plan: Plan | null;
}

/** Returns the report of a source before any work. */
export function emptyReport(name: string): SyncReport {
  return {
    name,
    kind: null,
    outcome: 'failed',
    verdict: null,
    requests: 0,
    rowsSeen: 0,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    removed: 0,
    rejected: 0,
    gaps: 0,
    completeThrough: null,
    durationMs: 0,
    error: null,
    plan: null,
  };
}

/** Returns how the run ended: by its failure, or if it has none (null) by what it proved. */
export function outcomeOf(
  copier: Pick<Copier, 'counts' | 'doubts'> | null,
  verdict: Verdict | null,
  failure: unknown,
): Pick<SyncReport, 'outcome' | 'verdict' | 'error'> {
  if (failure !== null) {
    const outcome = failure instanceof InterruptedError ? 'interrupted' : 'failed';
    return { outcome, verdict: null, error: messageOf(failure) };
  }
  const isPartial = verdict === 'unproven' || (copier?.counts.rejected ?? 0) > 0;
  return { outcome: isPartial ? 'partial' : 'ok', verdict, error: copier?.doubts[0] ?? null };
}

/** Returns what a ledger proves. */
export function coverageOf(ledger: Ledger): Pick<SyncReport, 'gaps' | 'completeThrough'> {
  const through = completeThrough(ledger);
  return { gaps: ledger.gaps.length, completeThrough: through === null ? null : utcText(through) };
}
