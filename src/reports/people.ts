import { type Asked, rowsAtMost, type Scope, tasksOf, unsearchedTasksOf } from './ask.ts';
import { COUNTS, FAILED, id, milliseconds, sectionOf, SUCCESS, TASKS, text, time } from './measure.ts';
import type { Section } from './report.ts';

const WORK = milliseconds('run_ms', 'Work', 'sum(run_ms)');

/** Reports the users who created the most tasks. */
export async function users(mirror: Asked, scope: Scope): Promise<Section[]> {
  const { where, parameters } = tasksOf(scope);
  const section = await sectionOf(mirror, {
    name: 'users',
    title: 'Tasks by user',
    measures: [
      text('username', 'User'),
      ...COUNTS,
      WORK,
      time('last_created_at', 'Last task', 'max(created_at)'),
    ],
    from: `${mirror.dialect.tasks} where ${where} group by username order by count(*) desc, username nulls first limit :limit`,
    parameters: { ...parameters, ...rowsAtMost(scope.limit, 20) },
    chart: { kind: 'bars', label: 'username', value: 'tasks' },
  });
  return [section];
}

/** Reports the agent sessions with the most tasks. Counting finds them; only those shown are measured. */
export async function sessions(mirror: Asked, scope: Scope): Promise<Section[]> {
  const { where, parameters } = unsearchedTasksOf(mirror.dialect, scope, 'session_id is not null');
  const grouped = 'group by session_id order by count(*) desc, max(created_at) desc, session_id';
  const section = await sectionOf(mirror, {
    name: 'sessions',
    title: 'Sessions with the most tasks',
    measures: [
      id('session_id', 'Session'),
      text('username', 'User', 'max(username)'),
      TASKS,
      FAILED,
      SUCCESS,
      WORK,
      time('first_created_at', 'First task', 'min(created_at)'),
      time('last_created_at', 'Last task', 'max(created_at)'),
    ],
    from: `${mirror.dialect.tasks} where ${where} and session_id in (
        select session_id from ${mirror.dialect.tasks} where ${where} ${grouped} limit :limit
      ) ${grouped}`,
    parameters: { ...parameters, ...rowsAtMost(scope.limit, 20) },
  });
  return [section];
}
