import { generateTasks } from '../src/source/simulated/generate.ts';
import type { ApiTask } from '../src/source/simulated/list.ts';
import { isOpen } from '../src/model/task.ts';

/** The list is a year of tasks up to this moment (ms), on a working day: the same list in every run. */
export const LIST_MOMENT = Date.UTC(2026, 0, 14, 15);
const LIST_SEED = 5;

/**
 * Returns `count` tasks, newest activity first. None of them is open: every run reads open tasks again, and
 * the figures should depend on the list's length alone.
 */
export function tasksAtRest(count: number): ApiTask[] {
  return generateTasks({ count, seed: LIST_SEED, now: LIST_MOMENT }).map((task) =>
    isOpen(task) ? { ...task, status: 'cancelled' } : task,
  );
}
