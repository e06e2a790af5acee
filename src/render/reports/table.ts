import { cut, pad, textLines, widthOf, wrapped } from '../text.ts';
import type { Paint, Style } from '../text.ts';

/** Spaces between the title and the value of a record. */
const GAP = 2;

/** A column of printable text. */
export interface TextColumn {
  title: string;
  cells: readonly string[];
  align: 'left' | 'right';
  /** Columns to which values may be cut with an ellipsis if the table does not fit; Infinity: never cut. */
  least: number;
  /** Lines that a value may take before it is cut. */
  lines: number;
  style?: Style;
}

export interface Sheet {
  /** Terminal columns; Infinity: no limit. */
  width: number;
  paint: Paint;
}

export interface TableOptions extends Sheet {
  /** Spaces between two columns. */
  gap: number;
}

/** Returns the terminal columns that a table takes if nothing is cut. */
export function naturalWidth(columns: readonly TextColumn[], gap: number): number {
  return spread(
    columns.map(({ title, cells }) => widest([title, ...cells])),
    gap,
  );
}

/**
 * Draws a table without a frame. To make it fit, titles are first broken at spaces into as few lines as
 * possible, then the widest columns that may be cut are narrowed. Returns undefined if it still does not fit.
 */
export function tableLines(columns: readonly TextColumn[], sheet: TableOptions): string[] | undefined {
  const widths = fitted(columns, sheet);
  if (widths === undefined) return undefined;
  const widthAt = (index: number): number => widths[index] ?? 0;
  const heads = columns.map(({ title }, index) =>
    wrapped(title, widthAt(index)).map((word) => cut(word, widthAt(index))),
  );
  const height = Math.max(...heads.map((lines) => lines.length));
  const line = (cells: readonly string[], style?: (index: number) => Style | undefined): string => {
    const padded = cells.map((cell, index) => {
      const text = pad(cut(cell, widthAt(index)), widthAt(index), columns[index]?.align ?? 'left');
      const chosen = style?.(index);
      return chosen === undefined || cell === '' ? text : sheet.paint(chosen, text);
    });
    return padded.join(' '.repeat(sheet.gap)).trimEnd();
  };
  return [
    ...Array.from({ length: height }, (_, row) =>
      line(heads.map((lines) => lines[row - height + lines.length] ?? '')),
    ),
    line(
      columns.map(({ title }, index) => (title === '' ? '' : '-'.repeat(widthAt(index)))),
      () => 'dim',
    ),
    ...(columns[0]?.cells ?? []).flatMap((_, row) => {
      const texts = columns.map(({ cells, lines }, index) =>
        textLines(cells[row] ?? '', widthAt(index), lines),
      );
      return side(texts).map((cells) => line(cells, (index) => columns[index]?.style));
    }),
  ];
}

/** Puts the lines of cells side by side, from the top. */
function side(texts: readonly (readonly string[])[]): string[][] {
  const height = Math.max(...texts.map((lines) => lines.length));
  return Array.from({ length: height }, (_, nth) => texts.map((lines) => lines[nth] ?? ''));
}

/** Writes each row as lines of `title  value`, for rows that are too wide for a table. */
export function recordLines(columns: readonly TextColumn[], { width }: Sheet): string[] {
  const titleWidth = Math.min(widest(columns.map(({ title }) => title)), Math.floor(width / 2));
  const record = (row: number): string[] =>
    columns.flatMap(({ title, cells, lines }) =>
      textLines(cells[row] ?? '', width - titleWidth - GAP, lines).map((line, nth) => {
        const label = nth === 0 ? cut(title, titleWidth) : '';
        return pad(label, titleWidth + GAP, 'left') + line;
      }),
    );
  const rows = Array.from({ length: columns[0]?.cells.length ?? 0 }, (_, row) => record(row));
  return rows.flatMap((lines, row) => (row === 0 ? lines : ['', ...lines]));
}

function fitted(columns: readonly TextColumn[], { width, gap }: TableOptions): number[] | undefined {
  const words = Math.max(...columns.map(({ title }) => title.split(' ').length));
  let broken: number[] = [];
  for (let lines = 1; lines <= words; lines++) {
    broken = columns.map(({ title, cells }) => widest([...titleIn(title, lines), ...cells]));
    if (spread(broken, gap) <= width) return broken;
  }
  for (let most = width; most > 0; most--) {
    const widths = broken.map((own, index) => Math.min(own, Math.max(most, columns[index]?.least ?? 0)));
    if (spread(widths, gap) <= width) return widths;
  }
  return undefined;
}

/** Breaks a title into at most `lines` lines, as narrow as possible. */
function titleIn(title: string, lines: number): string[] {
  let broken = [title];
  for (let columns = widthOf(title) - 1; columns > 0; columns--) {
    const narrower = wrapped(title, columns);
    if (narrower.length > lines) break;
    broken = narrower;
  }
  return broken;
}

function spread(widths: readonly number[], gap: number): number {
  return widths.reduce((sum, each) => sum + each, 0) + gap * Math.max(0, widths.length - 1);
}

function widest(texts: readonly string[]): number {
  // Math.max(...) takes fewer arguments than a report may have rows.
  return texts.reduce((most, text) => Math.max(most, widthOf(text)), 1);
}
