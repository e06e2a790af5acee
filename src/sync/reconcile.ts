import { SafetyStopError } from '../errors.ts';
import type { Verdict } from '../ports.ts';
import type { Copier, Descent } from './copier.ts';
import { TOP } from './walk.ts';

/** A run that would remove more rows than this, and more than this share of the live mirror, removes nothing. */
const BRAKE_ROWS = 20;
const BRAKE_SHARE = 0.1;
/** Rows looked up at once. */
const BATCH = 500;

/**
 * A full run: walks the whole list, so that edits of every kind and rows that arrived late are found, and removes, only
 * on proof, what is no longer there.
 *
 * A row is removed if the walk was proven from the top to the end and did not meet it, a closing walk from the head down
 * to where the full walk began did not meet it either (it may have moved up meanwhile), and the API answers 404 for it.
 * Throws SafetyStopError, having removed nothing, where that would take away too much of the mirror.
 */
export async function runReconcile(copier: Copier, options: { allowRemovals: boolean }): Promise<Verdict> {
  const { claim } = copier.parts;
  await copier.beginSweep();
  const full = await copier.descend(TOP, { isReached: () => false, reach: () => Infinity });
  const start = (copier.ledger.watermark ?? -Infinity) - copier.head.overlapMs;
  const rows = await claim.countAbove(start);
  const closing = await copier.descend(TOP, {
    isReached: ({ frontier }) => frontier < start,
    reach: () => rows,
  });
  if (!isProven(full, -Infinity) || !isProven(closing, start)) return 'unproven';

  await removeUnmet(copier, options.allowRemovals);
  await claim.forgetUnmetRejections();
  const live = await claim.countAbove(-Infinity);
  const surplus = copier.total === null ? null : copier.total - live;
  await claim.commit({ tasks: [], rejected: [], surplus });
  return copier.repaired ? 'repaired' : 'clean';
}

/** A walk that gave up on the way is whole as far as it came, but proves nothing of what lies below. */
function isProven({ isWhole, frontier }: Descent, downTo: number): boolean {
  return isWhole && frontier <= downTo;
}

async function removeUnmet(copier: Copier, allowRemovals: boolean): Promise<void> {
  const { claim, log } = copier.parts;
  const unmet = await claim.countUnmet();
  if (unmet === 0) return;
  const live = await claim.countAbove(-Infinity);
  if (!allowRemovals && unmet > BRAKE_ROWS && unmet > live * BRAKE_SHARE) {
    throw new SafetyStopError(
      `${unmet} of ${live} mirrored tasks are no longer in the list: more than ${BRAKE_SHARE * 100} %, so nothing was removed`,
      {
        hint: 'Check that the key and the base URL are the right ones. If the tasks are gone indeed: taskmirror sync --full --allow-removals.',
      },
    );
  }
  let after = '';
  for (;;) {
    const ids = await claim.unmet(after, BATCH);
    const last = ids.at(-1);
    if (last === undefined) return;
    after = last;
    const gone = await copier.refreshByGet(ids);
    copier.counts.removed += await claim.remove(gone);
    if (gone.length < ids.length) {
      log.info(
        { tasks: ids.length - gone.length },
        'tasks that the list does not show are still there: kept',
      );
    }
  }
}
