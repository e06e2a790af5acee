import { utcText } from '../model/task.ts';
import { type Asked, rowsAtMost, type Scope, tasksOf } from './ask.ts';
import { ageOf, id, IS_OPEN, milliseconds, sectionOf, TASKS, text, time } from './measure.ts';
import type { Section } from './report.ts';

/** The start of the message, to recognize the task. */
const MESSAGE = text('message', 'Message', 'substr(message, 1, 120)');

/** Reports the open tasks: how many and how old in each status, and the oldest of them. */
export async function open(mirror: Asked, scope: Scope): Promise<Section[]> {
  return [await openByStatus(mirror, scope), await oldestOpen(mirror, scope)];
}

export function openByStatus(mirror: Asked, scope: Scope): Promise<Section> {
  const { where, parameters } = tasksOf(scope, IS_OPEN);
  return sectionOf(mirror, {
    name: 'statuses',
    title: 'Open now',
    measures: [
      text('status', 'Status'),
      TASKS,
      time('oldest_created_at', 'Oldest', 'min(created_at)'),
      ageOf('oldest_age_ms', 'Age', 'min(created_at)'),
    ],
    from: `${mirror.dialect.openTasks} where ${where} group by status order by min(created_at), status`,
    parameters: { ...parameters, now: utcText(scope.now) },
  });
}

/**
 * Lists the oldest open tasks. The age of a status is as runs saw it: from the last change or first sight.
 */
function oldestOpen(mirror: Asked, scope: Scope): Promise<Section> {
  const { where, parameters } = tasksOf(scope, IS_OPEN);
  const since = `coalesce((select max(c.observed_at) from task_changes c
    where c.task_id = tasks.id and c.field = 'status'), first_seen_at)`;
  return sectionOf(mirror, {
    name: 'tasks',
    title: 'Oldest open tasks',
    measures: [
      id('id', 'Task'),
      text('status', 'Status'),
      text('username', 'User'),
      ageOf('age_ms', 'Age', 'created_at'),
      ageOf('status_age_ms', 'In status', since),
      MESSAGE,
    ],
    from: `${mirror.dialect.openTasks} where ${where} order by created_at, id limit :limit`,
    parameters: { ...parameters, now: utcText(scope.now), ...rowsAtMost(scope.limit, 20) },
  });
}

/** Reports the tasks that took the longest to work on. An index finds them; only the rows shown are read. */
export async function slowest(mirror: Asked, scope: Scope): Promise<Section[]> {
  const { where, parameters } = tasksOf(scope, 'run_ms is not null');
  const section = await sectionOf(mirror, {
    name: 'tasks',
    title: 'Slowest tasks',
    measures: [
      id('id', 'Task'),
      text('status', 'Status'),
      text('username', 'User'),
      time('created_at', 'Created'),
      milliseconds('queue_ms', 'Queue'),
      milliseconds('run_ms', 'Run'),
      MESSAGE,
    ],
    from: `tasks where ${mirror.dialect.rowKey} in (
        select ${mirror.dialect.rowKey} from ${mirror.dialect.tasks} where ${where} order by run_ms desc, created_at desc limit :limit
      ) order by run_ms desc, created_at desc`,
    parameters: { ...parameters, ...rowsAtMost(scope.limit, 20) },
  });
  return [section];
}
