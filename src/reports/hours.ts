import type { Asked, Scope } from './ask.ts';
import { columnsOf, COMPLETED, count, FAILED, TASKS, text } from './measure.ts';
import { measurePeriods } from './by-period.ts';
import type { Section, Value } from './report.ts';

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Reports when tasks are created, by local weekday and hour; leaves out hours without any. */
export async function hours(mirror: Asked, scope: Scope): Promise<Section[]> {
  const measures = [TASKS, COMPLETED, FAILED];
  const cells = new Map<number, number[]>();
  for (const { label, values } of await measurePeriods(mirror, scope, 'hour', measures)) {
    if (values[0] === 0) continue;
    // Sunday is 0 in JavaScript, but last in these weeks.
    const weekday = (new Date(`${label.slice(0, 10)}T00:00:00Z`).getUTCDay() + 6) % 7;
    const cell = weekday * 24 + Number(label.slice(11));
    const sums = cells.get(cell) ?? measures.map(() => 0);
    cells.set(
      cell,
      sums.map((sum, index) => sum + Number(values[index])),
    );
  }
  const rows = [...cells].toSorted(([a], [b]) => a - b).map(([cell, sums]) => rowOf(cell, sums));
  return [
    {
      name: 'hours',
      title: 'Tasks by weekday and hour',
      columns: columnsOf([text('weekday', 'Weekday'), count('hour', 'Hour'), ...measures]),
      rows,
      chart: { kind: 'heat', row: 'weekday', column: 'hour', value: 'tasks' },
    },
  ];
}

function rowOf(cell: number, sums: readonly number[]): Value[] {
  return [WEEKDAYS[Math.floor(cell / 24)] ?? '', cell % 24, ...sums];
}
