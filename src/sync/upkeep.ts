import type { Keep, MirrorClaim } from '../store/store.ts';
import type { Log } from '../model/log.ts';
import { type Ledger, reachesEnd } from '../model/ledger.ts';

/** How long a mirror keeps what it may delete, in ms; null: forever. */
export interface Retention {
  /** Lines of the journal. */
  changesMs: number | null;
  /** Tasks after their removal. */
  removedMs: number | null;
}

interface UpkeepDeps {
  claim: MirrorClaim;
  log: Log;
  signal: AbortSignal;
}

/**
 * Lets the mirror clear what it must not keep. Called before the run reads anything: a refused key, or an API
 * that is down, is no reason to keep it. A failure (a full disk) is logged and left to the next run.
 */
export async function clearOmitted({ claim, log, signal }: UpkeepDeps): Promise<void> {
  try {
    const { cleared, left } = await claim.clearOmitted(signal);
    if (cleared.length > 0) log.info({ fields: cleared }, 'cleared omitted fields from the mirror');
    if (left.length > 0 && !signal.aborted)
      log.warn({ fields: left }, 'omitted fields are not cleared yet: the next run continues');
  } catch (error) {
    log.warn({ err: error }, 'omitted fields are not cleared yet: the next run continues');
  }
}

/**
 * Lets the mirror delete what is too old at `now`, in ms. The run has its outcome by now, so a failure is
 * left to the next one.
 */
export async function pruneOld(
  { claim, log, signal }: UpkeepDeps,
  { changesMs, removedMs }: Retention,
  now: number,
): Promise<void> {
  if (changesMs === null && removedMs === null) return;
  const keep: Keep = {
    changesSince: changesMs === null ? null : now - changesMs,
    removedSince: removedMs === null ? null : now - removedMs,
  };
  try {
    const { changes, tasks } = await claim.prune(keep, signal);
    if (changes + tasks > 0) log.info({ changes, tasks }, 'pruned data older than retention allows');
  } catch (error) {
    log.warn({ err: error }, 'data older than retention allows is not pruned yet: the next run continues');
  }
}

/**
 * Lets the mirror build what only readers need, once the first backfill is done: before, its pages would pay
 * for each index again and again. The run has its outcome by now, and the rows are there, so a failure (a
 * full disk) is logged and left to the next run.
 */
export async function prepareReaders({ claim, log, signal }: UpkeepDeps, ledger: Ledger): Promise<void> {
  if (!reachesEnd(ledger)) return;
  try {
    await claim.prepareForReaders(signal);
  } catch (error) {
    log.warn({ err: error }, 'indexes for readers are not complete: the next run continues');
  }
}
