import { type Ask, rowsAtMost, type Scope, unsearchedTasksOf } from './ask.ts';
import { count, ratio, sectionOf, text, time } from './measure.ts';
import type { Section } from './report.ts';

/** What fails most. A task that failed without a word is in the group that is null. */
export function errors(ask: Ask, scope: Scope): Section[] {
  return [errorsSection(ask, scope)];
}

/** The id of the last failure rides behind its time, which has 24 characters. */
export function errorsSection(ask: Ask, { since, until, user, limit }: Scope): Section {
  const { where, parameters } = unsearchedTasksOf({ since, until, user }, `status = 'failed'`);
  return sectionOf(ask, {
    name: 'errors',
    title: 'Failures by error',
    measures: [
      text('error_group', 'Error'),
      count('failures', 'Failures', 'count(*)'),
      ratio('share', 'Share', 'round(1.0 * count(*) / sum(count(*)) over (), 4)'),
      count('users', 'Users', 'count(distinct username)'),
      time('last_created_at', 'Last', 'max(created_at)'),
      text('last_task_id', 'Last task', 'substr(max(created_at || id), 25)'),
    ],
    from: `tasks where ${where} group by error_group order by count(*) desc, error_group limit :limit`,
    parameters: { ...parameters, ...rowsAtMost(limit, 20) },
    chart: { kind: 'bars', label: 'error_group', value: 'failures' },
  });
}
