import { utcText } from '../model/task.ts';
import { type Asked, type Scope, tasksOf } from './ask.ts';
import { dailySection } from './daily.ts';
import { ERROR, errorsSection, FAILURES, LAST } from './errors.ts';
import { sourcesSection } from './freshness.ts';
import {
  COMPLETED,
  columnsOf,
  FAILED,
  OPEN,
  percentile,
  selectList,
  SUCCESS,
  TASKS,
  text,
} from './measure.ts';
import type { Section, Value } from './report.ts';
import { openByStatus } from './tasks.ts';

/** Most rows of the lists of an overview, so that it fits one screen. */
const [ERRORS, DAYS] = [3, 7];
const DAY_MS = 86_400_000;
/** UTC text has four digits for the year. */
const EARLIEST = Date.parse('0001-01-01T00:00:00Z');

const TOTALS = [
  TASKS,
  COMPLETED,
  FAILED,
  OPEN,
  SUCCESS,
  percentile('queue', 95),
  percentile('run', 50),
  percentile('run', 95),
];

/** Reports the essentials of each morning, on one screen. */
export async function overview(mirror: Asked, scope: Scope): Promise<Section[]> {
  return [
    await totals(mirror, scope),
    await errorsSection(mirror, { ...scope, limit: scope.limit ?? ERRORS }, [ERROR, FAILURES, LAST]),
    // Open tasks of any creation time.
    await openByStatus(mirror, { ...scope, since: null, until: null, status: null }),
    await lastDays(mirror, scope),
    await sourcesSection(mirror, scope),
  ];
}

/** Totals this period and the one before it of the same length; without a beginning, only this one. */
async function totals({ ask, dialect }: Asked, scope: Scope): Promise<Section> {
  const periods = [
    ['current', scope] as const,
    ...(scope.since === null ? [] : [['before', before(scope, scope.since)] as const]),
  ];
  const rows: Value[][] = [];
  for (const [period, { since, until }] of periods) {
    const { where, parameters } = tasksOf({ ...scope, since, until });
    const sql = `select ${selectList(dialect, TOTALS)} from ${dialect.tasks} where ${where}`;
    const [values = []] = await ask(sql, parameters);
    rows.push([period, ...values]);
  }
  return {
    name: 'totals',
    title: 'Tasks',
    columns: columnsOf([text('period', 'Period'), ...TOTALS]),
    rows,
    chart: null,
  };
}

function before(scope: Scope, since: string): { since: string; until: string } {
  const end = scope.until === null ? scope.now : Date.parse(scope.until);
  const begin = Date.parse(since);
  return { since: utcText(Math.max(begin - (end - begin), EARLIEST)), until: since };
}

async function lastDays(mirror: Asked, scope: Scope): Promise<Section> {
  const days = scope.limit ?? DAYS;
  const end = scope.until === null ? scope.now : Date.parse(scope.until);
  const earliest = utcText(Math.max(end - days * DAY_MS, EARLIEST));
  const since = scope.since === null || scope.since < earliest ? earliest : scope.since;
  // A task dated in the future, mostly by mistake, must not push these days out of sight.
  const section = await dailySection(mirror, { ...scope, since, until: utcText(end) }, [
    TASKS,
    COMPLETED,
    FAILED,
    SUCCESS,
  ]);
  // If the period begins within a day, it touches one day more than its length.
  return { ...section, rows: section.rows.slice(-days), chart: null };
}
