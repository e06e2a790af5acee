import { type Ask, rowsAtMost, type Scope, unsearchedTasksOf } from './ask.ts';
import { count, type Measure, ratio, sectionOf, text, time } from './measure.ts';
import type { Section } from './report.ts';

export const ERROR = text('error_group', 'Error');
export const FAILURES = count('failures', 'Failures', 'count(*)');
export const LAST = time('last_created_at', 'Last', 'max(created_at)');

const MEASURES = [
  ERROR,
  FAILURES,
  ratio('share', 'Share', 'round(1.0 * count(*) / sum(count(*)) over (), 4)'),
  count('users', 'Users', 'count(distinct username)'),
  LAST,
  // The id rides behind the time, which has 24 characters.
  text('last_task_id', 'Last task', 'substr(max(created_at || id), 25)'),
];

/** What fails most. A task that failed without a word is in the group that is null. */
export function errors(ask: Ask, scope: Scope): Section[] {
  return [errorsSection(ask, scope)];
}

export function errorsSection(
  ask: Ask,
  { since, until, user, limit }: Scope,
  measures: readonly Measure[] = MEASURES,
): Section {
  const { where, parameters } = unsearchedTasksOf({ since, until, user }, `status = 'failed'`);
  return sectionOf(ask, {
    name: 'errors',
    title: 'Failures by error',
    measures,
    from: `tasks where ${where} group by error_group order by count(*) desc, error_group limit :limit`,
    parameters: { ...parameters, ...rowsAtMost(limit, 20) },
    chart: { kind: 'bars', label: 'error_group', value: 'failures' },
  });
}
