import { SafetyStopError } from '../model/errors.ts';
import type { MirrorClaim } from '../store/store.ts';
import type { Verdict } from '../model/run.ts';
import type { Copier, Descent } from './copier.ts';
import { activityOf, type Task, utcText } from '../model/task.ts';
import { counted, grouped } from '../model/text.ts';
import { TOP } from './reading.ts';
import { unseenIds } from './unseen.ts';

/** A run that would remove more rows than this and than this share of the live mirror removes nothing. */
const BRAKE_ROWS = 20;
const BRAKE_SHARE = 0.1;

/**
 * Does a full run: walks the whole list, so that it finds edits of every kind and rows that arrived late, and
 * removes, only on proof, what is no longer there.
 *
 * A row is removed if the walk was proven from the top to the end and did not see it, a closing walk from the
 * head down to where the full walk began did not see it either (it may have moved up meanwhile), and the API
 * answers 404 for it. A server that lags behind reports all this of rows that are newer than its copy, so a
 * row above the head that the run saw is not removed unless the caller allows it.
 *
 * Throws SafetyStopError, having removed nothing, if that would remove too much of the mirror.
 */
export async function runReconcile(copier: Copier, options: { allowRemovals: boolean }): Promise<Verdict> {
  const { claim } = copier.deps;
  await copier.beginSweep();
  const full = await copier.descend(TOP, { isReached: () => false, reach: () => Infinity });
  const start = (copier.ledger.watermark ?? -Infinity) - copier.head.overlapMs;
  const rows = await claim.countAbove(start);
  const closing = await copier.descend(TOP, {
    isReached: ({ proven }) => proven < start,
    reach: () => rows,
  });
  if (!isProven(full, -Infinity) || !isProven(closing, start)) return 'unproven';
  const head = options.allowRemovals ? Infinity : (copier.head.newest ?? Infinity);
  // Nearly always none, and then the whole mirror need not be searched for their ids.
  const unseen = await claim.countUnseen();
  if (unseen > 0) {
    if (!options.allowRemovals) {
      await assertFewUnseen(claim, unseen);
      if (await isOldCopy(copier, head)) return 'unproven';
    }
    await removeUnseen(copier, head);
  }
  await claim.forgetUnseenRejections(head);
  const live = await claim.countAbove(-Infinity);
  const surplus = copier.total === null ? null : copier.total - live;
  await claim.commit({ tasks: [], rejected: [], surplus });
  return copier.repaired ? 'repaired' : 'clean';
}

/**
 * Returns whether a descent proves all rows down to `downTo`. A walk that gave up is whole as far as it came,
 * but proves nothing below.
 */
function isProven({ isWhole, proven }: Descent, downTo: number): boolean {
  return isWhole && proven <= downTo;
}

/** Throws SafetyStopError if the run would remove too much. */
async function assertFewUnseen(claim: MirrorClaim, unseen: number): Promise<void> {
  const live = await claim.countAbove(-Infinity);
  const isTooMuch = (rows: number): boolean => rows > BRAKE_ROWS && rows > live * BRAKE_SHARE;
  const removable = isTooMuch(unseen) ? await countRemovable(claim) : 0;
  if (!isTooMuch(removable)) return;
  throw new SafetyStopError(
    'too_many_gone',
    { gone: removable, live, share: BRAKE_SHARE },
    `${grouped(removable)} of ${counted(live, 'mirrored task')} are no longer in the list: more than ${BRAKE_SHARE * 100} %, so nothing was removed`,
  );
}

/**
 * Returns whether the list is an old copy: rows are mirrored above its head (ms), and the API still has the
 * newest of them up there. If that one has sunk or is gone, the head may be right.
 */
async function isOldCopy(copier: Copier, head: number): Promise<boolean> {
  const { claim, log } = copier.deps;
  let newest: Task | undefined;
  for await (const ids of unseenIds(claim)) {
    for (const task of await claim.tasks(ids)) {
      if (activityOf(task) > (newest === undefined ? head : activityOf(newest))) newest = task;
    }
  }
  if (newest === undefined) return false;
  const gone = await copier.refreshByGet([newest.id]);
  const [now] = await claim.tasks([newest.id]);
  if (gone.length > 0 || now === undefined || activityOf(now) <= head) return false;
  const doubt = `the list is an old copy: it begins at ${utcText(head)}, but the API has task ${now.id}, which is newer`;
  copier.doubts.push(doubt);
  log.warn({ task: now.id }, doubt);
  return true;
}

async function removeUnseen(copier: Copier, head: number): Promise<void> {
  const { claim, log } = copier.deps;
  let kept = 0;
  let above = 0;
  for await (const ids of unseenIds(claim)) {
    const tasks = await claim.tasks(ids);
    const below = tasks.filter((task) => activityOf(task) <= head);
    const gone = await copier.refreshByGet(below.map(({ id }) => id));
    copier.counts.removed += await claim.remove(gone);
    kept += below.length - gone.length;
    above += tasks.length - below.length;
  }
  if (kept > 0)
    log.info({ tasks: kept }, 'kept tasks that the list does not show, since they are not proven to be gone');
  if (above > 0) {
    log.info({ tasks: above }, 'kept tasks newer than the head of the list until it shows newer ones');
  }
}

/** Counts the tasks that the walk did not see and no other source shows: they would be gone. */
async function countRemovable(claim: MirrorClaim): Promise<number> {
  let rows = 0;
  for await (const ids of unseenIds(claim)) rows += (await claim.removable(ids)).length;
  return rows;
}
