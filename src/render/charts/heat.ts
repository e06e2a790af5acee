import type { Value, ColumnKind } from '../../reports/report.ts';
import { cut, flowed, pad, widthOf } from '../text.ts';
import type { Style } from '../text.ts';
import type { Drawing } from './drawing.ts';

const NOTHING = '·';
/** Shades from low to high. They differ without colour, too; the colours go from cold to warm. */
const SHADES: readonly { block: string; style: Style }[] = [
  { block: '░', style: 'blue' },
  { block: '▒', style: 'cyan' },
  { block: '▓', style: 'green' },
  { block: '█', style: 'yellow' },
];
/** Maximum columns of a cell: the hours `00 ` to `23 ` fit above them. */
const WIDEST = 3;
/** Maximum numbers on an axis whose missing whole numbers are filled in. */
const LONGEST = 200;

export interface HeatCell {
  row: Value;
  column: Value;
  value: number;
}

/** The column kinds of the axes and of the cells. */
export interface HeatKinds {
  row: ColumnKind;
  column: ColumnKind;
  value: ColumnKind;
}

/**
 * Draws a grid of shades with the columns' names above and the legend below. An axis of whole numbers goes
 * from the smallest to the largest; other axes keep the order in which their values come. Adds up cells at
 * the same place. Returns no lines if there is nothing to show, or no room.
 */
export function heatMap(cells: readonly HeatCell[], kinds: HeatKinds, drawing: Drawing): string[] {
  const rows = axisOf(cells.map(({ row }) => row));
  const columns = axisOf(cells.map(({ column }) => column));
  const labels = rows.map((row) => cut(drawing.figure(row, kinds.row), Math.floor(drawing.width / 3)));
  const left = labels.reduce((most, label) => Math.max(most, widthOf(label)), 0);
  const cellWidth = Math.min(WIDEST, Math.floor((drawing.width - left - 1) / Math.max(1, columns.length)));
  if (rows.length === 0 || cellWidth === 0) return [];

  const space = cellWidth > 1 ? 1 : 0;
  const sums = new Map<Value, Map<Value, number>>();
  for (const { row, column, value } of cells) {
    const line = sums.get(row) ?? new Map<Value, number>();
    sums.set(row, line.set(column, (line.get(column) ?? 0) + value));
  }
  const valueAt = (row: Value, column: Value): number => sums.get(row)?.get(column) ?? 0;
  const shades = shadesUpTo(
    rows.reduce<number>((most, row) => Math.max(most, ...columns.map((column) => valueAt(row, column))), 0),
    kinds.value,
  );
  const shaded = (row: Value): string =>
    columns
      .map((column) => {
        const value = valueAt(row, column);
        const shade = shades.find(({ most }) => value <= most);
        return value <= 0 || shade === undefined
          ? drawing.paint('dim', NOTHING.padEnd(cellWidth - space))
          : drawing.paint(shade.style, shade.block.repeat(cellWidth - space));
      })
      .join(' '.repeat(space));
  const names = columns.map((column) => drawing.figure(column, kinds.column));
  return [
    drawing.paint('dim', `${' '.repeat(left + 1)}${upperAxis(names, cellWidth)}`.trimEnd()),
    ...rows.map((row, index) => `${pad(labels[index] ?? '', left, 'left')} ${shaded(row)}`),
    ...legend(shades, kinds.value, drawing),
  ];
}

function axisOf(values: readonly Value[]): Value[] {
  const met = [...new Set(values)];
  const numbers = met.filter((value) => typeof value === 'number').filter(Number.isSafeInteger);
  if (numbers.length < met.length) return met;
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  if (!(most - least < LONGEST)) return met;
  return Array.from({ length: most - least + 1 }, (_, index) => least + index);
}

interface Shade {
  block: string;
  style: Style;
  /** The largest value that the shade covers. */
  most: number;
}

/**
 * Returns shades of equal steps, only as many as there are values to distinguish: three tasks need no four
 * shades.
 */
function shadesUpTo(largest: number, kind: ColumnKind): Shade[] {
  const steps = SHADES.map((_, index) => (largest * (index + 1)) / SHADES.length);
  const bounds = [...new Set(kind === 'ratio' ? steps : steps.map((step) => Math.ceil(step)))];
  return bounds.flatMap((most, index) => {
    const shade = SHADES[SHADES.length - bounds.length + index];
    return shade === undefined ? [] : [{ ...shade, most }];
  });
}

function upperAxis(names: readonly string[], cellWidth: number): string {
  const longest = names.reduce((most, name) => Math.max(most, widthOf(name)), 1);
  const every = Math.ceil((longest + 1) / cellWidth);
  return names
    .filter((name, index) => index % every === 0 && widthOf(name) <= (names.length - index) * cellWidth)
    .map((name) => pad(name, every * cellWidth, 'left'))
    .join('');
}

/** Returns the range of each shade, on as many lines as needed. */
function legend(shades: readonly Shade[], kind: ColumnKind, { width, figure, paint }: Drawing): string[] {
  const keys = shades.map(
    ({ block, style, most }) => `${paint(style, block.repeat(2))} up to ${figure(most, kind)}`,
  );
  return flowed([paint('dim', `${NOTHING} none`), ...keys], '   ', width);
}
