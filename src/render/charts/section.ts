import type { Chart, ColumnKind, Section, Value } from '../../reports/report.ts';
import { cut, printable } from '../text.ts';
import type { Drawing } from './drawing.ts';
import { heatMap } from './heat.ts';
import { lineChart } from './line.ts';

/** A chart on lines of its own; bars are part of the table. */
export type Picture = Extract<Chart, { kind: 'line' | 'heat' }>;

/** Draws a section's chart below a title line. Returns no lines if it cannot be drawn. */
export function picture(section: Section, chart: Picture, drawing: Drawing): string[] {
  const value = columnOf(section, chart.value);
  if (chart.kind === 'line') {
    const x = columnOf(section, chart.x);
    const places = placesOf(x.values, x.kind);
    const points = x.values.map((at, index) => ({
      label: drawing.figure(at, x.kind),
      x: places[index] ?? index,
      value: numberIn(value.values[index]),
    }));
    return titled(
      `${value.title} by ${x.title.toLowerCase()}`,
      lineChart(points, value.kind, drawing),
      drawing,
    );
  }
  const [row, column] = [columnOf(section, chart.row), columnOf(section, chart.column)];
  const cells = row.values.map((at, index) => ({
    row: at,
    column: column.values[index] ?? null,
    value: numberIn(value.values[index]) ?? 0,
  }));
  const kinds = { row: row.kind, column: column.kind, value: value.kind };
  const title = `${value.title} by ${row.title.toLowerCase()} and ${column.title.toLowerCase()}`;
  return titled(title, heatMap(cells, kinds, drawing), drawing);
}

/**
 * Returns whether a chart replaces the table: a heat map always, since its table would take a line for each
 * cell; a line if it shows every column.
 */
export function replacesTable(section: Section, chart: Picture): boolean {
  return (
    chart.kind === 'heat' || section.columns.every(({ name }) => name === chart.x || name === chart.value)
  );
}

/** Returns a value that can be drawn; null for any other. */
export function numberIn(value: Value | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function columnOf(section: Section, name: string): { title: string; kind: ColumnKind; values: Value[] } {
  const index = section.columns.findIndex((column) => column.name === name);
  const { title, kind }: { title: string; kind: ColumnKind } = section.columns[index] ?? {
    title: name,
    kind: 'text',
  };
  return { title, kind, values: section.rows.map((row) => row[index] ?? null) };
}

/** Returns the positions of values along an axis: days and times in ms, others one after the other. */
function placesOf(values: readonly Value[], kind: ColumnKind): number[] {
  const times = values.map((value) => Date.parse(`${value}`));
  const dated = (kind === 'day' || kind === 'time') && times.every((ms) => !Number.isNaN(ms));
  return dated ? times : values.map((_, index) => index);
}

function titled(title: string, lines: readonly string[], { width, paint }: Drawing): string[] {
  return lines.length === 0 ? [] : [paint('dim', cut(printable(title), width)), ...lines];
}
