import type { Copier } from './copier.ts';
import { reachesEnd } from './ledger.ts';

/**
 * Lets the mirror make what only readers need, once the first backfill is done: its pages would pay for each index again
 * and again. The run has its outcome by now, and the rows are there: a failure (a full disk) is told and left to the next run.
 */
export async function prepareReaders({ ledger, parts }: Copier, signal: AbortSignal): Promise<void> {
  if (!reachesEnd(ledger)) return;
  try {
    await parts.claim.prepareForReaders(signal);
  } catch (error) {
    parts.log.warn({ err: error }, 'indexes for readers are not complete; the next run goes on with them');
  }
}
