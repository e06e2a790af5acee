import * as fc from 'fast-check';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import type { Column, Report, Section, Value } from '../../src/reports/report.ts';
import { bars } from '../../src/render/charts/bars.ts';
import { ticks } from '../../src/render/charts/scale.ts';
import { figuresIn } from '../../src/render/figures.ts';
import { reportText } from '../../src/render/reports/text.ts';
import type { Screen } from '../../src/render/reports/text.ts';
import { widthOf } from '../../src/render/text.ts';
import { BY_DAY, BY_HOUR, BY_USER, reportOf } from './reports.ts';

const NONE = { user: null, status: null };

function drawn(report: Report, screen: Screen): string {
  return [...reportText(report, NONE, screen)].join('');
}

it.each([80, 120])('draws bars, a line and a heat map on a terminal of %i columns', async (width) => {
  const text = drawn(reportOf(BY_USER, BY_DAY, BY_HOUR), { width, color: false });
  await expect(text).toMatchFileSnapshot(`snapshots/report-${width}.txt`);
});

const trimmed = (text: string): string => text.replaceAll(/ +$/gm, '');

it('has the same characters in colour as without', () => {
  const report = reportOf(BY_USER, BY_DAY, BY_HOUR);
  const colored = drawn(report, { width: 80, color: true });
  expect(colored).toContain('\u001b[36m█');
  expect(trimmed(stripVTControlCharacters(colored))).toBe(
    trimmed(drawn(report, { width: 80, color: false })),
  );
});

it('gives a pipe whole tables, and neither charts nor colour', () => {
  const text = drawn(reportOf(BY_USER, BY_DAY, BY_HOUR), null);
  expect(text).not.toMatch(/[█⠁-⣿░…]/u);
  expect(text).not.toContain('\u001b');
  expect(text).toContain('a name that is much too long for the narrow terminals of the world');
  expect(text.match(/^2026-/gm)).toHaveLength(BY_DAY.rows.length);
  expect(text.match(/^(Mon|Sat) /gm)).toHaveLength(BY_HOUR.rows.length);
});

it('shows the scope and what is unproven', () => {
  const report = { ...reportOf(BY_USER), since: '2026-01-01T00:00:00.000Z', completeThrough: null };
  const [title, scope] = [
    ...reportText({ ...report, timezone: 'Asia/Tokyo' }, { user: 'a\u001b', status: 'failed' }, null),
  ];
  expect(title).toBe('A report\n');
  expect(scope).toBe(
    'since 2026-01-01 09:00 · user a\\u001b · status failed · times in Asia/Tokyo · nothing is proven complete yet\n',
  );
});

it('shows the table if there are too few values for a line, and reports an empty one', () => {
  const one = { ...BY_DAY, rows: BY_DAY.rows.slice(0, 1) };
  expect(drawn(reportOf(one), { width: 80, color: false })).toContain('2026-01-01      0\n');
  expect(drawn(reportOf({ ...BY_DAY, rows: [] }), { width: 80, color: false })).toMatch(/\n\nnone\n$/);
});

const FRESHNESS: Section = {
  name: 'sources',
  title: 'Freshness',
  columns: [
    { name: 'source', title: 'Source', kind: 'text' },
    { name: 'complete_through', title: 'Complete through', kind: 'time' },
    { name: 'behind_ms', title: 'Behind', kind: 'milliseconds' },
    { name: 'gaps', title: 'Gaps', kind: 'count' },
    { name: 'rejected_rows', title: 'Rejected rows', kind: 'count' },
    { name: 'last_success_at', title: 'Last success', kind: 'time' },
    { name: 'last_clean_full_at', title: 'Last full walk', kind: 'time' },
  ],
  rows: [['default', '2026-01-26T15:56:00.000Z', 19_300, 0, 0, '2026-01-26T15:58:00.000Z', null]],
  chart: null,
};

it('breaks titles into no more lines than it takes to fit', () => {
  const lines = drawn(reportOf(FRESHNESS), { width: 80, color: false }).split('\n');
  const rule = lines.findIndex((line) => line.startsWith('---'));
  expect(lines.slice(3, rule)).toEqual([
    '                                         Rejected                    Last full',
    'Source   Complete through  Behind  Gaps      rows  Last success      walk',
  ]);
});

it('keeps the clocks of as many times as there is room for, the first ones longest', () => {
  const [[...row] = []] = FRESHNESS.rows;
  row[6] = '2026-01-26T03:17:00.000Z';
  const { columns } = FRESHNESS;
  const short = columns.map((column) => ({ ...column, title: column.title.replace(/ (?:rows|walk)$/, '') }));
  const text = drawn(reportOf({ ...FRESHNESS, columns: short, rows: [row] }), { width: 78, color: false });
  expect(text.split('\n').slice(-2)[0]).toBe(
    'default 2026-01-26 15:56 19.3 s    0        0 2026-01-26 15:58 2026-01-26',
  );
});

const RUNS: Section = {
  name: 'runs',
  title: 'Runs',
  columns: [
    { name: 'started_at', title: 'Started', kind: 'time' },
    { name: 'task', title: 'Task', kind: 'id' },
    { name: 'kind', title: 'Kind', kind: 'runKind' },
    { name: 'outcome', title: 'Outcome', kind: 'text' },
    { name: 'updated', title: 'Changed', kind: 'count' },
    { name: 'duration_ms', title: 'Took', kind: 'milliseconds' },
  ],
  rows: [
    [
      '2026-01-26T15:56:00.000Z',
      'c7ced69e-33b5-4b09-b61d-fb283f4a81d4',
      'incremental',
      'interrupted',
      1_234_567,
      900_000,
    ],
  ],
  chart: null,
};

it.each([
  [120, '2026-01-26 15:56  c7ced69e-33b5-4b09-b61d-fb283f4a81d4  incremental  interrupted  1,234,567  15 m'],
  [80, '2026-01-26 15:56  c7ced69e…  incremental  interrupted  1,234,567  15 m'],
  [66, '2026-01-26 15:56 c7ced69e… incremental interrupted 1,234,567 15 m'],
  [62, '2026-01-26 15:56 c7ced69e… incremental interru… 1,234,567 15 m'],
])('shortens ids at %i columns before it cuts text, and no time that begins a row', (width, row) => {
  expect(drawn(reportOf(RUNS), { width, color: false }).split('\n').at(-2)).toBe(row);
});

it('folds prose at 80 columns, so that texts that begin alike can be told apart', () => {
  const said = 'Approval for the tool query_database was not given within';
  const errors: Section = {
    name: 'errors',
    title: 'Failures',
    columns: [
      { name: 'error_group', title: 'Error', kind: 'prose' },
      { name: 'failures', title: 'Failures', kind: 'count' },
      { name: 'share', title: 'Share', kind: 'ratio' },
      { name: 'last_created_at', title: 'Last', kind: 'time' },
      { name: 'last_task_id', title: 'Last task', kind: 'id' },
    ],
    rows: ['<n> minutes', '<n> hours'].map((end) => [
      `${said} ${end}`,
      3,
      0.5,
      '2026-01-26T15:56:00.000Z',
      'c7ced69e-33b5-4b09-b61d-fb283f4a81d4',
    ]),
    chart: { kind: 'bars', label: 'error_group', value: 'failures' },
  };
  const text = drawn(reportOf(errors), { width: 80, color: false });
  expect(text.replaceAll(/\s+/g, ' ')).toMatch(/given within <n> minutes .*given within <n> hours/);
  expect(text.split('\n').filter((line) => widthOf(line) > 80)).toEqual([]);
  expect(text).not.toMatch(/given…|within…/);
});

it('calls a full run what the flag calls it', () => {
  const runs: Section = {
    name: 'runs',
    title: 'Runs',
    columns: [{ name: 'kind', title: 'Kind', kind: 'runKind' }],
    rows: [['reconcile'], ['backfill'], ['\u001b[31m']],
    chart: null,
  };
  expect(drawn(reportOf(runs), null)).toMatch(/\nfull\nbackfill\n\\u001b\[31m\n$/);
});

const kinds = fc.constantFrom(
  'text',
  'id',
  'prose',
  'count',
  'milliseconds',
  'ratio',
  'time',
  'day',
  'runKind',
);
const words = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('日本語'.repeat(9), '👋'.repeat(30), '\u001b[31m\n'),
);
const values: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  words,
  fc.constantFrom(0, 1, -5, Number.MAX_SAFE_INTEGER, 0.5),
  fc.nat(),
  fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-03-29', '2026-02-01'),
);
const sections: fc.Arbitrary<Section> = fc
  .array(fc.record({ title: words, kind: kinds }), { minLength: 3, maxLength: 7 })
  .chain((titles) => {
    const columns: Column[] = titles.map((column, index) => ({ ...column, name: `c${index}` }));
    return fc.record({
      name: fc.constant('s'),
      title: words,
      columns: fc.constant(columns),
      rows: fc.array(fc.tuple(...columns.map(() => values)), { maxLength: 30 }),
      chart: fc.constantFrom(
        null,
        { kind: 'bars', label: 'c0', value: 'c1' } as const,
        { kind: 'line', x: 'c0', value: 'c1' } as const,
        { kind: 'heat', row: 'c0', column: 'c1', value: 'c2' } as const,
      ),
    });
  });

it('draws no line wider than the terminal and lets no control character through, whatever the report', () => {
  fc.assert(
    fc.property(
      fc.array(sections, { maxLength: 3 }),
      words,
      fc.constantFrom(40, 80, 120, 200),
      (several, user, width) => {
        const filters = { user, status: null };
        const text = [...reportText(reportOf(...several), filters, { width, color: false })].join('');
        const lines = text.split('\n');
        expect(lines.filter((line) => widthOf(line) > width)).toEqual([]);
        expect(lines.join('')).not.toMatch(/\p{Cc}/u);
      },
    ),
    { numRuns: 300 },
  );
});

it('draws bars to an eighth of a column, a sliver for small values, and nothing for zero', () => {
  expect(bars([800, 400, 425, 1, 0, null, -3], 8)).toEqual(['████████', '████', '████▎', '▏', '', '', '']);
  expect(bars([0, null], 8)).toEqual(['', '']);
});

it('labels an axis with round values, of hours and minutes for durations', () => {
  expect(ticks(0, 'count')).toEqual([0, 1]);
  expect(ticks(780, 'count')).toEqual([0, 200, 400, 600, 800]);
  expect(ticks(0.97, 'ratio')).toEqual([0, 0.5, 1]);
  expect(ticks(170_000, 'milliseconds')).toEqual([0, 60_000, 120_000, 180_000]);
  expect(ticks(900, 'milliseconds')).toEqual([0, 500, 1_000]);
});

it('writes values for people, times in the time zone', () => {
  const figure = figuresIn('Europe/Berlin');
  expect(figure('2026-03-29T01:30:00.000Z', 'time')).toBe('2026-03-29 03:30');
  expect([figure(1_234_567, 'count'), figure(0.9336, 'ratio'), figure(null, 'ratio')]).toEqual([
    '1,234,567',
    '93.4 %',
    '-',
  ]);
});
