import { type Ask, type Scope, tasksOf } from './ask.ts';
import { dailySection } from './daily.ts';
import { columnsOf, count, milliseconds, percentile, selectList, text } from './measure.ts';
import type { Section } from './report.ts';

const PERCENTS = [50, 95, 99];

/** How long tasks wait in the queue, and how long the work takes: in the whole period, and by day. */
export function latency(ask: Ask, scope: Scope): Section[] {
  const days = dailySection(ask, scope, [
    percentile('queue', 50),
    percentile('queue', 95),
    percentile('run', 50),
    percentile('run', 95),
  ]);
  return [
    summary(ask, scope),
    { ...days, title: 'Time by day', chart: { kind: 'line', x: 'day', value: 'run_p95_ms' } },
  ];
}

function summary(ask: Ask, scope: Scope): Section {
  const { where, parameters } = tasksOf(scope);
  const measures = (['queue', 'run'] as const).flatMap((phase) => [
    count(phase, phase, `count(${phase}_ms)`),
    ...PERCENTS.map((percent) => percentile(phase, percent)),
  ]);
  // One pass for both rows.
  const values = ask(`select ${selectList(measures)} from tasks where ${where}`, parameters)[0] ?? [];
  return {
    name: 'summary',
    title: 'Time in the queue and at work',
    columns: columnsOf([
      text('phase', 'Phase'),
      count('tasks', 'Tasks'),
      ...PERCENTS.map((percent) => milliseconds(`p${percent}_ms`, `p${percent}`)),
    ]),
    rows: [
      ['queue', ...values.slice(0, 1 + PERCENTS.length)],
      ['run', ...values.slice(1 + PERCENTS.length)],
    ],
    chart: null,
  };
}
