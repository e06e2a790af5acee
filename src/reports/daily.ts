import type { Ask, Scope } from './ask.ts';
import { columnsOf, COUNTS, type Measure } from './measure.ts';
import { measurePeriods } from './by-period.ts';
import type { Section } from './report.ts';

/** Tasks by the local day on which they were created; the newest days where there is a limit. */
export function daily(ask: Ask, scope: Scope): Section[] {
  return [dailySection(ask, scope, COUNTS)];
}

export function dailySection(ask: Ask, scope: Scope, measures: readonly Measure[]): Section {
  const days = measurePeriods(ask, scope, 'day', measures);
  return {
    name: 'days',
    title: 'Tasks by day',
    columns: [{ name: 'day', title: 'Day', kind: 'day' }, ...columnsOf(measures)],
    rows: days.slice(-(scope.limit ?? days.length)).map(({ label, values }) => [label, ...values]),
    chart: { kind: 'line', x: 'day', value: 'tasks' },
  };
}
