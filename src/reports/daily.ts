import type { Asked, Scope } from './ask.ts';
import { columnsOf, COUNTS, type Measure } from './measure.ts';
import { measurePeriods } from './by-period.ts';
import type { Section } from './report.ts';

/** Reports tasks by the local day of their creation; with a limit, the newest days. */
export async function daily(mirror: Asked, scope: Scope): Promise<Section[]> {
  return [await dailySection(mirror, scope, COUNTS)];
}

export async function dailySection(
  mirror: Asked,
  scope: Scope,
  measures: readonly Measure[],
): Promise<Section> {
  const days = await measurePeriods(mirror, scope, 'day', measures);
  return {
    name: 'days',
    title: 'Tasks by day',
    columns: [{ name: 'day', title: 'Day', kind: 'day' }, ...columnsOf(measures)],
    rows: days.slice(-(scope.limit ?? days.length)).map(({ label, values }) => [label, ...values]),
    chart: { kind: 'line', x: 'day', value: 'tasks' },
  };
}
