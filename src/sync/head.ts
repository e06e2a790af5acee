import type { Committed } from '../ports.ts';
import { isMissing, type Ledger } from './ledger.ts';
import { activityOf, type Task } from './task.ts';

/**
 * The head that a page of these activities shows, at `now` (ms). A row from the future must not become the watermark:
 * whatever comes after it would lie below.
 */
export function headOf(activities: readonly number[], now: number): number {
  const credible = activities.filter((activity) => activity <= now);
  return credible.length === 0 ? now : Math.max(...credible);
}

/** A task that was inserted although everything of its activity had been mirrored before, and no gap was open there. */
export function lateTask(
  tasks: readonly Task[],
  { insertedIds, healedIds }: Committed,
  before: Ledger,
  opened: Ledger,
): Task | undefined {
  const { watermark } = before;
  if (watermark === null || insertedIds.length === 0) return undefined;
  const fresh = new Set(insertedIds.filter((id) => !healedIds.includes(id)));
  return tasks.find((task) => {
    const activity = activityOf(task);
    return fresh.has(task.id) && activity <= watermark && !isMissing(opened, activity);
  });
}
