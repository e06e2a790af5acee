import { type Asked, rowsAtMost, type Scope, unsearchedTasksOf } from './ask.ts';
import { count, id, type Measure, prose, ratio, sectionOf, shareOf, time } from './measure.ts';
import type { Section } from './report.ts';

export const ERROR = prose('error_group', 'Error');
export const FAILURES = count('failures', 'Failures', 'count(*)');
export const LAST = time('last_created_at', 'Last', 'max(created_at)');

const MEASURES = [
  ERROR,
  FAILURES,
  ratio('share', 'Share', shareOf('count(*)', 'cast(sum(count(*)) over () as bigint)')),
  count('users', 'Users', 'count(distinct username)'),
  LAST,
  id('last_task_id', 'Last task', ({ lastCreatedId }) => lastCreatedId),
];

/** Reports the most common failures. Tasks that failed without an error form the group null. */
export async function errors(mirror: Asked, scope: Scope): Promise<Section[]> {
  return [await errorsSection(mirror, scope)];
}

export function errorsSection(
  mirror: Asked,
  { since, until, user, limit }: Scope,
  measures: readonly Measure[] = MEASURES,
): Promise<Section> {
  const { where, parameters } = unsearchedTasksOf(
    mirror.dialect,
    { since, until, user },
    `status = 'failed'`,
  );
  return sectionOf(mirror, {
    name: 'errors',
    title: 'Failures by error',
    measures,
    from: `${mirror.dialect.tasks} where ${where} group by error_group order by count(*) desc, error_group nulls first limit :limit`,
    parameters: { ...parameters, ...rowsAtMost(limit, 20) },
    chart: { kind: 'bars', label: 'error_group', value: 'failures' },
  });
}
