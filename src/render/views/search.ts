import { styleText } from 'node:util';
import type { Cell } from '../../store/queryable.ts';
import { cut, pad, printable, widthOf } from '../text.ts';

/** Marks for {@link searchText}: control characters, because users' texts are full of brackets. */
export const TEXT_MARKS = ['\u0002', '\u0003'] as const;

export interface SearchTextOptions {
  /** Whether found words are bold; if not, they are in brackets. */
  color: boolean;
  /** Columns that a line may take; Infinity: nothing is cut. */
  width: number;
}

/**
 * Writes rows of id, status, user, time, rank and snippet for people: a line about the task, and the snippet
 * below.
 */
export function searchText(rows: Iterable<readonly Cell[]>, options: SearchTextOptions): string {
  const hits = [...rows].map((row) => row.map((cell) => (typeof cell === 'string' ? cell : '-')));
  if (hits.length === 0) return 'nothing found\n';
  const widthOfColumn = (column: number): number =>
    Math.max(...hits.map((hit) => widthOf(printable(hit[column] ?? ''))));
  const widths = [0, 1, 2].map(widthOfColumn);
  return hits
    .map((hit) => {
      const heads = widths.map((width, column) => pad(printable(hit[column] ?? ''), width, 'left'));
      const head = [...heads, hit[3]?.slice(0, 16).replace('T', ' ') ?? ''].join('  ');
      return `${cut(head, options.width)}\n  ${marked(hit[5] ?? '', options)}\n`;
    })
    .join('');
}

/** Writes the snippet on one line; every other piece between marks was found. */
function marked(snippet: string, { color, width }: SearchTextOptions): string {
  let room = width - 2;
  let line = '';
  const [open, close] = TEXT_MARKS;
  const pieces = snippet.replaceAll(/\s+/g, ' ').replaceAll(close, open).split(open);
  for (const [index, piece] of pieces.entries()) {
    const isFound = index % 2 === 1;
    const text = printable(piece);
    const plain = isFound && !color ? `[${text}]` : text;
    const shown = cut(plain, room);
    line += isFound && color ? styleText('bold', shown, { validateStream: false }) : shown;
    room -= widthOf(shown);
    if (shown !== plain || room <= 0) break;
  }
  return line;
}
