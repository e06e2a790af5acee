import { OPEN_STATUSES } from '../model/task.ts';
import type { Dialect, Parameters } from '../store/reportable.ts';
import type { Asked } from './ask.ts';
import type { Chart, Column, Section } from './report.ts';

/** A column of a report with the SQL that computes it, so that the two cannot drift apart. */
export interface Measure extends Column {
  sql: (dialect: Dialect) => string;
}

const measure =
  (kind: Column['kind']) =>
  (name: string, title: string, sql: string | Measure['sql'] = name): Measure => ({
    name,
    title,
    kind,
    sql: typeof sql === 'string' ? () => sql : sql,
  });

export const text = measure('text');
export const id = measure('id');
export const prose = measure('prose');
export const count = measure('count');
export const milliseconds = measure('milliseconds');
export const ratio = measure('ratio');
export const time = measure('time');
export const runKind = measure('runKind');

const countOf = (condition: string): string => `count(*) filter (where ${condition})`;

export const IS_OPEN = `status in (${OPEN_STATUSES.map((status) => `'${status}'`).join(', ')})`;
const COUNT_COMPLETED = countOf(`status = 'completed'`);
const COUNT_FAILED = countOf(`status = 'failed'`);
export const TASKS = count('tasks', 'Tasks', 'count(*)');
export const COMPLETED = count('completed', 'Completed', COUNT_COMPLETED);
export const FAILED = count('failed', 'Failed', COUNT_FAILED);
const CANCELLED = count('cancelled', 'Cancelled', countOf(`status = 'cancelled'`));
export const OPEN = count('open', 'Open', countOf(IS_OPEN));
/**
 * Returns SQL for a part of a whole with four digits; null if the whole is 0. In whole numbers: doubles and
 * decimals round one that lies in the middle, such as 3 of 160, to different sides.
 */
export const shareOf = (part: string, whole: string): string =>
  `(20000 * ${part} + ${whole}) / (2 * nullif(${whole}, 0)) / 10000.0`;
/** Completed as a share of completed and failed; null if there are neither. */
export const SUCCESS = ratio(
  'success_rate',
  'Success',
  shareOf(COUNT_COMPLETED, `(${COUNT_COMPLETED} + ${COUNT_FAILED})`),
);

/** Counts by how tasks ended. */
export const COUNTS = [TASKS, COMPLETED, FAILED, CANCELLED, OPEN, SUCCESS];

/** Measures a percentile of a column of ms, as a whole number; null if the column has no value. */
export function percentile(phase: 'queue' | 'run', percent: number): Measure {
  const title = `${phase === 'queue' ? 'Queue' : 'Run'} p${percent}`;
  return milliseconds(`${phase}_p${percent}_ms`, title, (dialect) =>
    dialect.percentile(`${phase}_ms`, percent),
  );
}

/** Measures ms from a time to `:now`, which is UTC text. */
export function ageOf(name: string, title: string, from: string): Measure {
  return milliseconds(name, title, (dialect) => dialect.msBetween(from, ':now'));
}

/** Returns the SQL of the measures, in their order. */
export function selectList(dialect: Dialect, measures: readonly Measure[]): string {
  return measures.map(({ sql }) => sql(dialect)).join(', ');
}

/** Returns the measures as columns of a report. */
export function columnsOf(measures: readonly Measure[]): Column[] {
  return measures.map(({ name, title, kind }) => ({ name, title, kind }));
}

export interface Table {
  name: string;
  title: string;
  measures: readonly Measure[];
  /** The SQL from the FROM on. */
  from: string;
  parameters: Parameters;
  chart?: Chart;
}

/** Returns a section whose rows are those of one statement. */
export async function sectionOf(
  { ask, dialect }: Asked,
  { name, title, measures, from, parameters, chart }: Table,
): Promise<Section> {
  const rows = await ask(`select ${selectList(dialect, measures)} from ${from}`, parameters);
  return { name, title, columns: columnsOf(measures), rows, chart: chart ?? null };
}
