import type { RejectedRow, RequestContext, TaskSource } from '../ports.ts';
import { deriveLastActivityAt, type Task, type TaskDetail } from './task.ts';
import { newRowsPerPage } from './reading.ts';

/**
 * How to read the open tasks again that a walk did not meet (they change without their sort key moving): by walking
 * on down to the oldest of them, or with one GET each, whichever takes fewer requests. `rowsToOldest`: rows between where the walk stands and the oldest open task (0 or less: it has
 * been passed). At equal cost the list wins: it also has the sort key and the message count.
 */
export function planRefresh(openTasks: number, rowsToOldest: number, pageSize: number): 'walk' | 'get' {
  if (rowsToOldest <= 0) return 'get';
  return pagesFor(rowsToOldest, pageSize) <= openTasks ? 'walk' : 'get';
}

/** The rows to count at most before `planRefresh` knows that GETs are cheaper. */
export function rowsWorthWalking(openTasks: number, pageSize: number): number {
  return openTasks * newRowsPerPage(pageSize) + 1;
}

function pagesFor(rows: number, pageSize: number): number {
  return Math.ceil(rows / newRowsPerPage(pageSize));
}

/**
 * The stored task with what a GET says now. A GET tells neither the message count nor the sort key: the first
 * stays, the second is derived once one of the times that it depends on has moved.
 */
export function mergeDetail(stored: Task, detail: TaskDetail): Task {
  const moved =
    stored.createdAt !== detail.createdAt ||
    stored.startedAt !== detail.startedAt ||
    stored.completedAt !== detail.completedAt;
  return {
    ...stored,
    ...detail,
    lastActivityAt: moved ? deriveLastActivityAt(detail) : stored.lastActivityAt,
  };
}

/** What single requests say of tasks that are stored. */
export interface ReadAgain {
  /** As they are now. */
  tasks: Task[];
  rejected: RejectedRow[];
  /** Ids that the API does not know. */
  missing: string[];
}

/** Reads these tasks with one GET each, all at once. Throws what the source throws. */
export async function readAgain(
  source: TaskSource,
  stored: readonly Task[],
  context: RequestContext,
): Promise<ReadAgain> {
  // All of them settle before one failure counts: a request left behind would outlive the run.
  const answers = await Promise.allSettled(stored.map(({ id }) => source.get(id, context)));
  const read: ReadAgain = { tasks: [], rejected: [], missing: [] };
  for (const [i, task] of stored.entries()) {
    const answer = answers[i];
    if (answer === undefined) continue;
    if (answer.status === 'rejected') throw answer.reason;
    if (answer.value === null) read.missing.push(task.id);
    else if ('rejected' in answer.value) read.rejected.push(answer.value.rejected);
    else read.tasks.push(mergeDetail(task, answer.value));
  }
  return read;
}
