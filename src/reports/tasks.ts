import { utcText } from '../model/task.ts';
import { type Ask, rowsAtMost, type Scope, tasksOf } from './ask.ts';
import { ageOf, IS_OPEN, milliseconds, sectionOf, TASKS, text, time } from './measure.ts';
import type { Section } from './report.ts';

/** Of a message, enough to know the task by. */
const MESSAGE = text('message', 'Message', 'substr(message, 1, 120)');

/** By the index of the few tasks that are open: without statistics SQLite takes one of all tasks. */
const OPEN_TASKS = 'tasks indexed by tasks_open';

/** The tasks that are not over: how many and how old in each status, and the oldest of them. */
export function open(ask: Ask, scope: Scope): Section[] {
  return [openByStatus(ask, scope), oldestOpen(ask, scope)];
}

export function openByStatus(ask: Ask, scope: Scope): Section {
  const { where, parameters } = tasksOf(scope, IS_OPEN);
  return sectionOf(ask, {
    name: 'statuses',
    title: 'Open now',
    measures: [
      text('status', 'Status'),
      TASKS,
      time('oldest_created_at', 'Oldest', 'min(created_at)'),
      ageOf('oldest_age_ms', 'Age', 'min(created_at)'),
    ],
    from: `${OPEN_TASKS} where ${where} group by status order by min(created_at), status`,
    parameters: { ...parameters, now: utcText(scope.now) },
  });
}

/** How long a task has had its status is known as far as runs saw it: from the last change, or from first sight. */
function oldestOpen(ask: Ask, scope: Scope): Section {
  const { where, parameters } = tasksOf(scope, IS_OPEN);
  const since = `coalesce((select max(c.observed_at) from task_changes c
    where c.task_id = tasks.id and c.field = 'status'), first_seen_at)`;
  return sectionOf(ask, {
    name: 'tasks',
    title: 'Oldest open tasks',
    measures: [
      text('id', 'Task'),
      text('status', 'Status'),
      text('username', 'User'),
      ageOf('age_ms', 'Age', 'created_at'),
      ageOf('status_age_ms', 'In status', since),
      MESSAGE,
    ],
    from: `${OPEN_TASKS} where ${where} order by created_at, id limit :limit`,
    parameters: { ...parameters, now: utcText(scope.now), ...rowsAtMost(scope.limit, 20) },
  });
}

/** The tasks that took the longest to work on. They are found in an index; only those shown are read. */
export function slowest(ask: Ask, scope: Scope): Section[] {
  const { where, parameters } = tasksOf(scope, 'run_ms is not null');
  const section = sectionOf(ask, {
    name: 'tasks',
    title: 'Slowest tasks',
    measures: [
      text('id', 'Task'),
      text('status', 'Status'),
      text('username', 'User'),
      time('created_at', 'Created'),
      milliseconds('queue_ms', 'Queue'),
      milliseconds('run_ms', 'Run'),
      MESSAGE,
    ],
    from: `tasks where rowid in (
        select rowid from tasks where ${where} order by run_ms desc, created_at desc limit :limit
      ) order by run_ms desc, created_at desc`,
    parameters: { ...parameters, ...rowsAtMost(scope.limit, 20) },
  });
  return [section];
}
