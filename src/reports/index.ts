import { UsageError } from '../model/errors.ts';
import { utcText } from '../model/task.ts';
import type { Asked, Scope } from './ask.ts';
import { daily } from './daily.ts';
import { errors } from './errors.ts';
import { freshness } from './freshness.ts';
import { hours } from './hours.ts';
import { latency } from './latency.ts';
import { overview } from './overview.ts';
import { sessions, users } from './people.ts';
import type { Report, Section } from './report.ts';
import { startOfDay } from './moment.ts';
import { open, slowest } from './tasks.ts';
import { localText, zoneOf } from '../model/zone.ts';

export { askedOf, type Scope } from './ask.ts';

const DAY = 86_400_000;

/** A report on offer. */
export interface ReportKind {
  name: string;
  title: string;
  /** Its content, in one line. */
  summary: string;
  /** Returns its beginning if the scope has none: UTC text, or null for the first task. */
  since: (scope: Scope) => string | null;
  run: (mirror: Asked, scope: Scope) => Promise<Section[]>;
}

/** Every report, the most general first. */
export const REPORTS: readonly ReportKind[] = [
  {
    name: 'overview',
    title: 'Overview',
    summary: 'The last 7 days and the 7 before: totals, failures, open tasks, freshness.',
    since: (scope) => utcText(endOf(scope) - 7 * DAY),
    run: overview,
  },
  {
    name: 'daily',
    title: 'Tasks by day',
    summary: 'Tasks of each day and how they ended; the last 30 days unless a period is given.',
    since: (scope) => wholeDays(scope, 30),
    run: daily,
  },
  {
    name: 'latency',
    title: 'Waiting and working time',
    summary: 'Percentiles of queue and run time, by day too; the last 30 days unless a period is given.',
    since: (scope) => wholeDays(scope, 30),
    run: latency,
  },
  {
    name: 'users',
    title: 'Users',
    summary: 'Users who created the most tasks.',
    since: everything,
    run: users,
  },
  {
    name: 'sessions',
    title: 'Sessions',
    summary: 'The agent sessions with the most tasks.',
    since: everything,
    run: sessions,
  },
  {
    name: 'errors',
    title: 'Failures',
    summary: 'The most frequent failures, with similar errors grouped.',
    since: everything,
    run: errors,
  },
  {
    name: 'open',
    title: 'Open tasks',
    summary: 'Tasks that are pending, running or waiting for approval, oldest first.',
    since: everything,
    run: open,
  },
  {
    name: 'slowest',
    title: 'Slowest tasks',
    summary: 'The tasks with the longest run time.',
    since: everything,
    run: slowest,
  },
  {
    name: 'hours',
    title: 'Busiest hours',
    summary: 'When tasks are created, by weekday and hour.',
    since: everything,
    run: hours,
  },
  {
    name: 'freshness',
    title: 'Freshness',
    summary: 'How current the mirror is, and what its last runs did.',
    since: everything,
    run: freshness,
  },
];

/**
 * Runs a report by its name. Throws UsageError for an unknown name or time zone, for a period that ends
 * before it begins, and for one with too many days or hours.
 */
export async function runReport(name: string, mirror: Asked, scope: Scope): Promise<Report> {
  const kind = REPORTS.find((report) => report.name === name);
  if (kind === undefined) {
    const known = REPORTS.map((report) => report.name);
    throw new UsageError('report_unknown', { report: name, known }, `there is no report "${name}"`);
  }
  zoneOf(scope.timezone);
  const since = scope.since ?? kind.since(scope);
  const { until, timezone } = scope;
  if (since !== null && until !== null && since >= until) {
    throw new UsageError('period_empty', { since, until }, `the period from ${since} to ${until} is empty`);
  }
  const sections = await kind.run(mirror, { ...scope, since });
  return {
    name,
    title: kind.title,
    since,
    until,
    timezone,
    completeThrough: await completeThrough(mirror),
    sections,
  };
}

function everything(): null {
  return null;
}

/**
 * Returns the beginning of the last `days` local days, the last one often incomplete: a first day cut short
 * would look like a quiet one.
 */
function wholeDays(scope: Scope, days: number): string {
  const firstDay = localText(zoneOf(scope.timezone), endOf(scope) - 1 - (days - 1) * DAY).slice(0, 10);
  return utcText(startOfDay(firstDay, scope.timezone));
}

function endOf({ until, now }: Scope): number {
  return until === null ? now : Date.parse(until);
}

async function completeThrough({ ask }: Asked): Promise<string | null> {
  const [row] = await ask(
    'select case when count(*) = count(complete_through) then min(complete_through) end from mirror_status',
    {},
  );
  return typeof row?.[0] === 'string' ? row[0] : null;
}
