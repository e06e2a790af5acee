import { styleText } from 'node:util';
import { hex } from './formats/encode.ts';
import type { RowFormat } from './formats/format.ts';
import type { Batch, Cell } from '../store/queryable.ts';
import { cut, isWord, pad, printable, widthOf } from './text.ts';

/** Rows of a batch of a table: the first batch decides the widths, and no more rows are held in memory. */
export const LAID_OUT_TOGETHER = 1_000;
/** Minimum columns of a cut value: a result that needs narrower ones is shown as records instead. */
const NARROWEST = 12;

interface Columns {
  titles: string[];
  widths: number[];
  /** Columns that each needs at least: those of its longest word, see `isWord`. */
  least: number[];
  /** True for a column of numbers and NULL: aligned to the right. */
  numeric: boolean[];
}

/**
 * Draws a table for a pipe or a file: whole values, two spaces between columns. The first batch decides the
 * widths, and `sample`, rows that are not printed; a longer value below makes its line longer and is not cut.
 */
export function plainTable(names: readonly string[], sample: Batch = []): RowFormat {
  let columns: Columns | undefined;
  return {
    begin: () => '',
    *rows(batch) {
      if (columns === undefined) {
        columns = measure(names, [...sample, ...batch]);
        yield plainHead(columns);
      }
      for (const row of batch) yield plainLine(row.map(cellText), columns);
    },
    // An empty result has its header, too.
    end: () => (columns === undefined ? plainHead(measure(names, [])) : ''),
  };
}

function plainHead(columns: Columns): string {
  const rules = columns.widths.map((width) => '-'.repeat(width));
  return plainLine(columns.titles, columns) + plainLine(rules, columns);
}

function plainLine(cells: readonly string[], { widths, numeric }: Columns): string {
  const padded = cells.map((cell, index) => pad(cell, widths[index] ?? 0, numeric[index] ? 'right' : 'left'));
  return `${padded.join('  ').trimEnd()}\n`;
}

/**
 * Draws a table for a terminal of `width` columns: cuts long values with an ellipsis to make it fit, but no word, such
 * as a time or an id. If that does not do, the result is shown as records, a line for each value. `sample`: as above.
 */
export function terminalTable(
  names: readonly string[],
  width: number,
  color: boolean,
  sample: Batch = [],
): RowFormat {
  let layout: { columns: Columns | undefined } | undefined;
  let count = 0;
  function* lines(batch: Batch): Generator<string> {
    const isFirst = layout === undefined;
    const { columns } = (layout ??= { columns: fit(measure(names, [...sample, ...batch]), width) });
    if (columns === undefined) {
      for (const row of batch) yield record(names, row, ++count, width, color);
    } else {
      if (isFirst) yield boxHead(columns);
      for (const row of batch) yield boxLine(columns, row, color);
    }
  }
  return {
    begin: () => '',
    rows: lines,
    end() {
      // An empty result has its header, too.
      const head = layout === undefined ? [...lines([])].join('') : '';
      if (layout?.columns !== undefined) return head + boxRule(layout.columns, '└┴┘');
      return count === 0 ? 'no rows\n' : '';
    },
  };
}

function boxHead(columns: Columns): string {
  const titles = columns.titles.map((title, index) => {
    const width = columns.widths[index] ?? 0;
    return pad(cut(title, width), width, columns.numeric[index] ? 'right' : 'left');
  });
  return `${boxRule(columns, '┌┬┐')}│ ${titles.join(' │ ')} │\n${boxRule(columns, '├┼┤')}`;
}

function boxLine({ widths, numeric }: Columns, row: Batch[number], color: boolean): string {
  const cells = row.map((cell, index) => {
    const width = widths[index] ?? 0;
    const text = shown(cell, width, color);
    const space = ' '.repeat(Math.max(0, width - widthOf(cut(cellText(cell), width))));
    return numeric[index] ? space + text : text + space;
  });
  return `│ ${cells.join(' │ ')} │\n`;
}

/** Draws a line of the frame; `joints`: its character on the left, between two columns, and on the right. */
function boxRule({ widths }: Columns, joints: string): string {
  const [left, between, right] = joints;
  return `${left}${widths.map((width) => '─'.repeat(width + 2)).join(between)}${right}\n`;
}

function record(
  names: readonly string[],
  row: readonly Cell[],
  number: number,
  width: number,
  color: boolean,
): string {
  const titles = names.map(printable);
  const titleWidth = Math.max(...titles.map(widthOf));
  const lines = row.map(
    (cell, index) =>
      `${pad(titles[index] ?? '', titleWidth, 'left')} │ ${shown(cell, Math.max(NARROWEST, width - titleWidth - 3), color)}`,
  );
  return `─── row ${number} ───\n${lines.join('\n')}\n`;
}

/** Writes NULL as a word to distinguish it from ''; with colour it is dim, to distinguish it from 'NULL'. */
function shown(cell: Cell, width: number, color: boolean): string {
  const text = cut(cellText(cell), width);
  return cell === null && color ? styleText('dim', text, { validateStream: false }) : text;
}

function cellText(cell: Cell): string {
  if (cell === null) return 'NULL';
  return cell instanceof Uint8Array ? hex(cell) : printable(`${cell}`);
}

function measure(names: readonly string[], rows: readonly (readonly Cell[])[]): Columns {
  const titles = names.map(printable);
  const widths = titles.map((title) => Math.max(1, widthOf(title)));
  const least = titles.map(leastOf);
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      const text = cellText(cell);
      widths[index] = Math.max(widths[index] ?? 0, widthOf(text));
      least[index] = Math.max(least[index] ?? 0, leastOf(text));
    }
  }
  const numeric = names.map((_, index) => {
    const kinds = new Set(rows.map((row) => typeof row[index]));
    return (kinds.has('number') || kinds.has('bigint')) && !kinds.has('string');
  });
  return { titles, widths, least, numeric };
}

function leastOf(text: string): number {
  return isWord(text) ? widthOf(text) : NARROWEST;
}

/** Narrows the widest columns until a boxed table fits; undefined if it cannot. */
function fit(columns: Columns, width: number): Columns | undefined {
  const room = width - 3 * columns.widths.length - 1;
  for (let cap = Math.max(room, NARROWEST); cap >= NARROWEST; cap--) {
    const widths = columns.widths.map((natural, index) =>
      Math.min(natural, Math.max(cap, columns.least[index] ?? 0)),
    );
    if (widths.reduce((sum, each) => sum + each, 0) <= room) return { ...columns, widths };
  }
  return undefined;
}
