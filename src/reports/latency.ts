import { type Asked, type Scope, tasksOf } from './ask.ts';
import { dailySection } from './daily.ts';
import { columnsOf, count, milliseconds, percentile, selectList, text } from './measure.ts';
import type { Section } from './report.ts';

const PERCENTS = [50, 95, 99];

/** Reports how long tasks wait in the queue, and how long the work takes: in the whole period, and by day. */
export async function latency(mirror: Asked, scope: Scope): Promise<Section[]> {
  // Both sort all tasks. A server does that at the same time.
  const [total, days] = await Promise.all([
    summary(mirror, scope),
    dailySection(mirror, scope, [
      percentile('queue', 50),
      percentile('queue', 95),
      percentile('run', 50),
      percentile('run', 95),
    ]),
  ]);
  return [total, { ...days, title: 'Time by day', chart: { kind: 'line', x: 'day', value: 'run_p95_ms' } }];
}

async function summary({ ask, dialect }: Asked, scope: Scope): Promise<Section> {
  const { where, parameters } = tasksOf(scope);
  const measures = (['queue', 'run'] as const).flatMap((phase) => [
    count(phase, phase, `count(${phase}_ms)`),
    ...PERCENTS.map((percent) => percentile(phase, percent)),
  ]);
  // One pass for both rows.
  const [values = []] = await ask(
    `select ${selectList(dialect, measures)} from ${dialect.tasks} where ${where}`,
    parameters,
  );
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
