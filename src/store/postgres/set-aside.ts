import type { OmittableField, RejectedRow, Task } from '../../model/task.ts';
import type { Change } from '../store.ts';
import { outOfRange, tooLong } from './bounds.ts';
import { commitChange, type CommitDeps, TriedOnly, type Written } from './commit.ts';
import type { Query } from './connection.ts';
import { isOfValues, sqlStateOf } from './failure.ts';
import { decodeNul, encodeNul } from './nul.ts';

/** Commits of one change until it must be right: each sets aside the tasks that the one before it failed on. */
const ATTEMPTS = 4;

/** Writes batches in which some task may be one that the engine cannot hold. */
export interface StorableDeps extends CommitDeps {
  query: Query;
  source: string;
}

/** A written batch, with the tasks of it that the engine cannot hold. */
export interface WrittenWithout extends Written {
  setAside: RejectedRow[];
}

/**
 * Commits a change. Tasks that PostgreSQL cannot hold (an id that no index can, a year before 1, JSON that is
 * nested too deeply) become rejected rows of the same commit: else they would fail their whole batch with every
 * run. Those that were set aside before, and are still the same, are not searched for.
 */
export async function commitStorable(
  deps: StorableDeps,
  change: Change,
  how: { now: string; isSweep: boolean },
): Promise<WrittenWithout> {
  const setAside = change.tasks.flatMap((task) => {
    const reason = tooLong(task) ?? outOfRange(task);
    return reason === null ? [] : [asRejected(task, reason, deps.omit)];
  });
  for (let attempt = 1; ; attempt += 1) {
    const aside = new Set(setAside.map(({ id }) => id));
    const tasks = aside.size === 0 ? change.tasks : change.tasks.filter(({ id }) => !aside.has(id));
    try {
      const rejected = [...change.rejected, ...setAside];
      const written = await commitChange(deps, { ...change, tasks, rejected }, how);
      // Pages overlap, so that a task can come twice; its last version counts.
      return { ...written, setAside: [...new Map(setAside.map((row) => [row.id, row])).values()] };
    } catch (error) {
      if (attempt === ATTEMPTS || reasonOf(error) === null) throw error;
      const known = attempt === 1 ? await knownUnstorable(deps, tasks) : [];
      const found = known.length > 0 ? known : await unstorable(tasks, (some) => tryTasks(deps, some, how));
      if (found.length === 0) throw error;
      setAside.push(...found.map(({ task, reason }) => asRejected(task, reason, deps.omit)));
    }
  }
}

/** Returns the tasks of these that were set aside as they are now. */
async function knownUnstorable(deps: StorableDeps, tasks: readonly Task[]): Promise<Unstorable[]> {
  const rows = await deps.query<{ task_id: string; payload: string; reason: string }>(
    `select task_id, payload, reason from ${deps.s}rejected_rows
    where source = $1 and task_id = any ($2::text[]) and starts_with(reason, $3)`,
    [deps.source, tasks.map(({ id }) => encodeNul(id)), UNSTORABLE],
  );
  const known = new Map(rows.map((row) => [decodeNul(row.task_id), row]));
  return tasks.flatMap((task) => {
    const row = known.get(task.id);
    const isSame =
      row !== undefined && decodeNul(row.payload) === asRejected(task, row.reason, deps.omit).payload;
    return isSame ? [{ task, reason: row.reason }] : [];
  });
}

const UNSTORABLE = 'the database cannot hold this task';

/** Returns why the engine cannot hold some of these tasks; null if it can. */
async function tryTasks(
  deps: CommitDeps,
  tasks: readonly Task[],
  how: { now: string; isSweep: boolean },
): Promise<string | null> {
  try {
    await commitChange(deps, { tasks, rejected: [] }, { ...how, tryOnly: true });
    return null;
  } catch (error) {
    if (error instanceof TriedOnly) return null;
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return reason;
  }
}

interface Unstorable {
  task: Task;
  reason: string;
}

/** Finds the tasks by halves: one among thousands takes some twenty attempts. */
async function unstorable(
  tasks: readonly Task[],
  fails: (tasks: readonly Task[]) => Promise<string | null>,
): Promise<Unstorable[]> {
  const why = tasks.length === 0 ? null : await fails(tasks);
  if (why === null) return [];
  const [first] = tasks;
  if (tasks.length === 1 && first !== undefined) return [{ task: first, reason: why }];
  const middle = Math.ceil(tasks.length / 2);
  return [
    ...(await unstorable(tasks.slice(0, middle), fails)),
    ...(await unstorable(tasks.slice(middle), fails)),
  ];
}

/** Returns the reason for a failure that is one of values; null for any other failure. */
export function reasonOf(error: unknown): string | null {
  return isOfValues(error) ? `${UNSTORABLE} (SQLSTATE ${sqlStateOf(error)})` : null;
}

/** Returns the rejected row that stands for a task, without the fields in `omit`. */
export function asRejected(task: Task, reason: string, omit: ReadonlySet<OmittableField>): RejectedRow {
  const kept = Object.entries(task).filter(([name]) => !omit.has(name as OmittableField));
  const activity = Date.parse(task.lastActivityAt);
  return {
    id: task.id,
    payload: JSON.stringify(Object.fromEntries(kept)),
    reason,
    activity: Number.isFinite(activity) ? activity : null,
  };
}
