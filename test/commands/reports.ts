import type { Report, Section } from '../../src/reports/report.ts';

/** A report made by hand. */
export function reportOf(...sections: Section[]): Report {
  return {
    name: 'made',
    title: 'A report',
    since: null,
    until: null,
    timezone: 'UTC',
    completeThrough: '2026-01-26T12:00:00.000Z',
    sections,
  };
}

export const BY_USER: Section = {
  name: 'users',
  title: 'By user',
  columns: [
    { name: 'user', title: 'User', kind: 'text' },
    { name: 'tasks', title: 'Tasks', kind: 'count' },
    { name: 'success', title: 'Success', kind: 'ratio' },
    { name: 'run_ms', title: 'Run p95', kind: 'milliseconds' },
    { name: 'last_at', title: 'Last task', kind: 'time' },
  ],
  rows: [
    ['emma.brown', 12_800, 0.934, 200_000, '2026-01-26T11:56:02.000Z'],
    ['田中健二', 6_400, 1, 340, '2026-01-25T00:00:00.000Z'],
    ['zoë 👋 | <b>\n', 1_600, 0, 7_500_000, null],
    ['a name that is much too long for the narrow terminals of the world', 1, null, null, null],
  ],
  chart: { kind: 'bars', label: 'user', value: 'tasks' },
};

/** Two triangles over four weeks, and a day of which nothing is known. */
export const BY_DAY: Section = {
  name: 'days',
  title: 'By day',
  columns: [
    { name: 'day', title: 'Day', kind: 'day' },
    { name: 'tasks', title: 'Tasks', kind: 'count' },
  ],
  rows: Array.from({ length: 28 }, (_, index) => [
    `2026-01-${String(index + 1).padStart(2, '0')}`,
    index === 20 ? null : 7 - Math.abs(7 - (index % 14)),
  ]),
  chart: { kind: 'line', x: 'day', value: 'tasks' },
};

/** Two days of a week; hours without tasks have no row. */
export const BY_HOUR: Section = {
  name: 'hours',
  title: 'By hour',
  columns: [
    { name: 'weekday', title: 'Weekday', kind: 'text' },
    { name: 'hour', title: 'Hour', kind: 'count' },
    { name: 'tasks', title: 'Tasks', kind: 'count' },
    { name: 'failed', title: 'Failed', kind: 'count' },
  ],
  rows: [
    ['Mon', 0, 1, 0],
    ['Mon', 9, 25, 1],
    ['Mon', 10, 50, 2],
    ['Mon', 11, 75, 3],
    ['Mon', 12, 100, 4],
    ['Sat', 23, 26, 0],
  ],
  chart: { kind: 'heat', row: 'weekday', column: 'hour', value: 'tasks' },
};
