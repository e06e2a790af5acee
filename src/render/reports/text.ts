import type { Chart, Column, Report, Section } from '../../reports/report.ts';
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

/** Columns to which text is cut if there is little room, and if there is too little; a bar's label keeps more. */
const LEAST_TEXT = 9;
const VERY_LEAST_TEXT = 6;
const LEAST_LABEL = 24;
/** Columns and lines that prose is folded to; what a bar shows is less than the words. */
const LEAST_PROSE = 32;
const LEAST_PROSE_BESIDE_BARS = 40;
const MOST_LINES = 4;
/** Characters of an id that is shortened: more than enough for `history` to find it. */
const ID_LENGTH = 8;
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
  /** Whether an id is shortened to its beginning. */
  shortIds: boolean;
  /** Columns to which text may be cut; Infinity: it is not. */
  least: number;
}

/**
 * Returns table layouts, the best first: if there is little room, ids get shorter, then texts are cut, and times
 * lose their clocks, the last one first. A time that begins a row keeps it.
 */
function layoutsOf({ columns }: Section): Layout[] {
  const times = columns.flatMap(({ kind }, index) => (kind === 'time' && index > 0 ? [index] : []));
  const narrow = { gap: 1, timesFrom: Infinity, shortIds: true, least: LEAST_TEXT };
  const days = { ...narrow, timesFrom: Math.min(...times) };
  return [
    { ...narrow, gap: 2, shortIds: false, least: Infinity },
    { ...narrow, gap: 2, least: Infinity },
    { ...narrow, gap: 2 },
    narrow,
    ...times.toReversed().map((timesFrom) => ({ ...narrow, timesFrom, least: Infinity })),
    days,
    { ...days, least: VERY_LEAST_TEXT },
  ];
}

/** Draws a section as a table, with bars after the column of their values if they fit. */
function tableOf(section: Section, drawing: Drawing, chart: Bars | null): string[] {
  const { rows } = section;
  const behind = section.columns.findIndex(({ name }) => name === chart?.value);
  for (const barred of behind === -1 ? [false] : [true, false]) {
    for (const layout of layoutsOf(section)) {
      const { gap } = layout;
      const plain = textsOf(section, drawing, { ...layout, label: chart?.label, barred });
      const room = drawing.width - naturalWidth(plain, gap) - gap;
      const table = barred ? plain.toSpliced(behind + 1, 0, barsOf(rows, behind, room)) : plain;
      const lines = tableLines(table, { ...drawing, gap });
      if (lines !== undefined) return lines;
    }
  }
  const whole = { timesFrom: Infinity, shortIds: false, least: LEAST_TEXT, label: undefined, barred: false };
  return recordLines(textsOf(section, drawing, whole), drawing);
}

function textsOf(
  { columns, rows }: Section,
  { figure }: Drawing,
  layout: Omit<Layout, 'gap'> & { label: string | undefined; barred: boolean },
): TextColumn[] {
  const { timesFrom, shortIds } = layout;
  return columns.map(({ name, title, kind }, index) => ({
    title: printable(title),
    cells: rows.map((row) => {
      const text = figure(row[index] ?? null, kind);
      if (kind === 'time' && index >= timesFrom) return text.slice(0, DAY_LENGTH);
      return kind === 'id' && shortIds ? cut(text, ID_LENGTH + 1) : text;
    }),
    align: isNumeric(kind) ? 'right' : 'left',
    least: leastOf({ name, kind }, layout),
    lines: kind === 'prose' ? MOST_LINES : 1,
  }));
}

/** Returns to how many columns a column may be narrowed. */
function leastOf(
  { name, kind }: Pick<Column, 'name' | 'kind'>,
  { least, label, barred }: Pick<Layout, 'least'> & { label: string | undefined; barred: boolean },
): number {
  if (least === Infinity) return Infinity;
  if (kind === 'prose') return barred ? LEAST_PROSE_BESIDE_BARS : LEAST_PROSE;
  if (kind === 'text') return name === label ? LEAST_LABEL : least;
  return Infinity;
}

function barsOf(rows: Section['rows'], index: number, room: number): TextColumn {
  const values = rows.map((row) => numberIn(row[index]));
  const cells = bars(values, Math.max(SHORTEST_BAR, Math.min(LONGEST_BAR, room)));
  return { title: '', cells, align: 'left', least: Infinity, lines: 1, style: 'cyan' };
}
