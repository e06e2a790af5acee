import { utcText } from '../model/task.ts';
import { type Ask, rowsAtMost, type Scope } from './ask.ts';
import { ageOf, count, milliseconds, runKind, sectionOf, text, time } from './measure.ts';
import type { Section } from './report.ts';

/** How current the mirror is, and what its last runs did, as much of it as fits a terminal. Of a scope, only now and the limit count. */
export function freshness(ask: Ask, scope: Scope): Section[] {
  return [sourcesSection(ask, scope), runs(ask, scope)];
}

export function sourcesSection(ask: Ask, { now }: Scope): Section {
  return sectionOf(ask, {
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

function runs(ask: Ask, { limit }: Scope): Section {
  return sectionOf(ask, {
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
      milliseconds(
        'duration_ms',
        'Took',
        `cast(round((julianday(finished_at) - julianday(started_at)) * 86400000) as integer)`,
      ),
    ],
    from: 'sync_runs order by id desc limit :limit',
    parameters: rowsAtMost(limit, 10),
  });
}
