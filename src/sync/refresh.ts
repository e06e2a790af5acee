import type { RejectedRow } from '../model/task.ts';
import type { SingleReads } from './single-reads.ts';
import { deriveLastActivityAt, type Task, type TaskDetail } from '../model/task.ts';
import { newRowsPerPage } from './reading.ts';

/**
 * Chooses how to read again the open tasks that a walk did not see (they change without their sort key
 * moving): by walking on down to the oldest of them, or with one GET each, whichever takes fewer requests.
 * `rowsToOldest`: rows from the walk to the oldest open task (0 or less if it has been passed). At equal cost
 * the list wins: it also has the sort key and the message count.
 */
export function planRefresh(openTasks: number, rowsToOldest: number, pageSize: number): 'walk' | 'get' {
  if (rowsToOldest <= 0) return 'get';
  return pagesFor(rowsToOldest, pageSize) <= openTasks ? 'walk' : 'get';
}

/** Returns the most rows to count before `planRefresh` knows that GETs are cheaper. */
export function rowsWorthWalking(openTasks: number, pageSize: number): number {
  return openTasks * newRowsPerPage(pageSize) + 1;
}

function pagesFor(rows: number, pageSize: number): number {
  return Math.ceil(rows / newRowsPerPage(pageSize));
}

/**
 * Merges what a GET says now into the stored task. A GET has neither the message count nor the sort key: the
 * first stays, the second is derived once one of the times that it depends on has moved.
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

/** The answers of single requests for stored tasks. */
export interface ReadAgain {
  /** The tasks as they are now. */
  tasks: Task[];
  rejected: RejectedRow[];
  /** Ids that the API does not know. */
  missing: string[];
  /** Tasks that the API did not give: they stay as they are, and are set aside with the reason. */
  withheld: RejectedRow[];
}

/** Reads these tasks with one GET each, all at once. Throws what {@link SingleReads} throws. */
export async function readAgain(reads: SingleReads, stored: readonly Task[]): Promise<ReadAgain> {
  const answers = await reads.read(stored.map(({ id }) => id));
  const read: ReadAgain = { tasks: [], rejected: [], missing: [], withheld: [] };
  for (const [i, task] of stored.entries()) {
    const { id } = task;
    const answer = answers[i];
    if (answer === undefined) continue;
    if (answer === null) read.missing.push(id);
    else if ('rejected' in answer) read.rejected.push(answer.rejected);
    else if ('withheld' in answer)
      read.withheld.push({ id, payload: JSON.stringify({ id }), reason: answer.withheld });
    else read.tasks.push(mergeDetail(task, answer));
  }
  return read;
}
