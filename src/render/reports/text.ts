import type { Chart, Report, Section } from '../../reports/report.ts';
import { bars } from '../charts/bars.ts';
import type { Drawing } from '../charts/drawing.ts';
import { numberIn, picture, replacesTable } from '../charts/section.ts';
import { figuresIn, isNumeric, timesIn } from '../figures.ts';
import { naturalWidth, recordLines, tableLines } from './table.ts';
import type { TextColumn } from './table.ts';
import { cut, flowed, painter, printable } from '../text.ts';

/** Limits for the columns of a bar. */
const SHORTEST_BAR = 10;
const LONGEST_BAR = 40;

/** Columns to which text is cut at most; a bar's label keeps more. */
const LEAST_TEXT = 8;
const LEAST_LABEL = 24;
/** YYYY-MM-DD */
const DAY_LENGTH = 10;

type Bars = Extract<Chart, { kind: 'bars' }>;

/** Filters of a report, besides the period; null: all. */
export interface Filters {
  user: string | null;
  status: string | null;
}

/** The terminal that shows a report; null: a pipe, which gets no colour, no charts and uncut values. */
export type Screen = { width: number; color: boolean } | null;

/** Writes a report for people: a heading, and each section as a table, a chart, or both. */
export function* reportText(report: Report, filters: Filters, screen: Screen): Generator<string> {
  const drawing = {
    width: screen?.width ?? Infinity,
    figure: figuresIn(report.timezone),
    paint: painter(screen?.color ?? false),
  };
  yield `${drawing.paint('bold', cut(printable(report.title), drawing.width))}\n`;
  const words = scopeWords(report, filters).map((word) => cut(word, drawing.width));
  for (const line of flowed(words, ' · ', drawing.width))
    yield `${line}
`;
  for (const section of report.sections) {
    // With one section, the report's heading is enough.
    const titled = report.sections.length > 1;
    const title = cut(printable(section.title), drawing.width);
    yield titled ? `\n${drawing.paint('bold', title)}\n` : '\n';
    yield* sectionText(section, drawing, screen !== null);
  }
}

/**
 * Returns the scope of a report in printable words: period, filters, time zone, and up to when the mirror is
 * complete.
 */
export function scopeWords(report: Report, { user, status }: Filters): string[] {
  const time = timesIn(report.timezone);
  const { since, until, completeThrough } = report;
  return [
    ...(since === null && until === null ? ['all tasks'] : []),
    ...(since === null ? [] : [`since ${time(since)}`]),
    ...(until === null ? [] : [`until ${time(until)}`]),
    ...(user === null ? [] : [`user ${printable(user)}`]),
    ...(status === null ? [] : [`status ${printable(status)}`]),
    `times in ${report.timezone}`,
    completeThrough === null ? 'nothing is proven complete yet' : `complete through ${time(completeThrough)}`,
  ];
}

/** Writes one section as lines, without its title; `charts`: whether to draw its chart. */
export function* sectionText(section: Section, drawing: Drawing, charts: boolean): Generator<string> {
  if (section.rows.length === 0) {
    yield 'none\n';
    return;
  }
  const chart = charts ? section.chart : null;
  const drawn = chart === null || chart.kind === 'bars' ? [] : picture(section, chart, drawing);
  const untold =
    drawn.length === 0 || chart === null || chart.kind === 'bars' || !replacesTable(section, chart);
  const table = untold ? tableOf(section, drawing, chart?.kind === 'bars' ? chart : null) : [];
  const space = table.length > 0 && drawn.length > 0 ? [''] : [];
  for (const line of [...table, ...space, ...drawn]) yield `${line}\n`;
}

interface Layout {
  gap: number;
  /** From this column on, times are shortened to their day. */
  timesFrom: number;
  /** Whether text may be cut. */
  cuts: boolean;
}

/**
 * Returns table layouts, the best first: if there is little room, times lose their clocks, the last one
 * first.
 */
function layoutsOf({ columns }: Section): Layout[] {
  const times = columns.flatMap(({ kind }, index) => (kind === 'time' ? [index] : []));
  return [
    { gap: 2, timesFrom: Infinity, cuts: true },
    ...times.toReversed().map((timesFrom) => ({ gap: 1, timesFrom, cuts: false })),
    { gap: 1, timesFrom: 0, cuts: true },
  ];
}

/** Draws a section as a table, with bars after the column of their values if they fit. */
function tableOf(section: Section, drawing: Drawing, chart: Bars | null): string[] {
  const { columns, rows } = section;
  const texts = ({ timesFrom, cuts }: Omit<Layout, 'gap'>): TextColumn[] =>
    columns.map(({ name, title, kind }, index) => ({
      title: printable(title),
      cells: rows.map((row) => {
        const text = drawing.figure(row[index] ?? null, kind);
        return kind === 'time' && index >= timesFrom ? text.slice(0, DAY_LENGTH) : text;
      }),
      align: isNumeric(kind) ? 'right' : 'left',
      least: cuts && kind === 'text' ? (name === chart?.label ? LEAST_LABEL : LEAST_TEXT) : Infinity,
    }));
  const behind = columns.findIndex(({ name }) => name === chart?.value);
  for (const barred of behind === -1 ? [false] : [true, false]) {
    for (const { gap, ...layout } of layoutsOf(section)) {
      const plain = texts(layout);
      const room = drawing.width - naturalWidth(plain, gap) - gap;
      const table = barred ? plain.toSpliced(behind + 1, 0, barsOf(rows, behind, room)) : plain;
      const lines = tableLines(table, { ...drawing, gap });
      if (lines !== undefined) return lines;
    }
  }
  return recordLines(texts({ timesFrom: Infinity, cuts: true }), drawing);
}

function barsOf(rows: Section['rows'], index: number, room: number): TextColumn {
  const values = rows.map((row) => numberIn(row[index]));
  const cells = bars(values, Math.max(SHORTEST_BAR, Math.min(LONGEST_BAR, room)));
  return { title: '', cells, align: 'left', least: Infinity, style: 'cyan' };
}
