import { utcText } from '../model/task.ts';
import { type Asked, rowsAtMost, type Scope } from './ask.ts';
import { ageOf, count, milliseconds, runKind, sectionOf, text, time } from './measure.ts';
import type { Section } from './report.ts';

/**
 * Reports how current the mirror is, and what its last runs did, as far as it fits a terminal. Of a scope, it
 * uses only `now` and `limit`.
 */
export async function freshness(mirror: Asked, scope: Scope): Promise<Section[]> {
  return [await sourcesSection(mirror, scope), await runs(mirror, scope)];
}

export function sourcesSection(mirror: Asked, { now }: Scope): Promise<Section> {
  return sectionOf(mirror, {
    name: 'sources',
    title: 'Freshness',
    measures: [
      text('source', 'Source'),
      time('complete_through', 'Complete through'),
      ageOf('behind_ms', 'Behind', 'complete_through'),
      count('gaps', 'Gaps'),
      count('rejected_rows', 'Rejected'),
      time('last_success_at', 'Last success'),
      time('last_clean_full_at', 'Last full'),
    ],
    from: 'mirror_status order by source',
    parameters: { now: utcText(now) },
  });
}

function runs(mirror: Asked, { limit }: Scope): Promise<Section> {
  return sectionOf(mirror, {
    name: 'runs',
    title: 'Last runs',
    measures: [
      time('started_at', 'Started'),
      text('source', 'Source'),
      runKind('kind', 'Kind'),
      text('outcome', 'Outcome'),
      text('verdict', 'Verdict'),
      count('inserted', 'New'),
      count('updated', 'Changed'),
      milliseconds('duration_ms', 'Took', (dialect) => dialect.msBetween('started_at', 'finished_at')),
    ],
    from: 'sync_runs order by id desc limit :limit',
    parameters: rowsAtMost(limit, 10),
  });
}
