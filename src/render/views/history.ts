import type { Cell } from '../../store/queryable.ts';
import { cut, isWord, printable, widthOf } from '../text.ts';

/** The separator between a field's values. */
const TO = ' → ';
/** Width of a UTC text and two spaces. */
const INDENT = 26;

/**
 * Writes rows of time, event, field, old and new value for people, one per line; a repeated time is left out. To make
 * lines fit in `width` columns, long values are cut; if one is a word, such as a time, the new value has its own line.
 * Infinity: cuts nothing.
 */
export function historyText(rows: Iterable<readonly Cell[]>, width: number): string {
  let last = '';
  let text = '';
  for (const row of rows) {
    const [time = '', event = '', field, from = '', to = ''] = row.map(shown);
    const lines =
      row[2] === null ? [event] : change({ field: `${field}: `, from, to }, Math.max(1, width - INDENT));
    text += lines
      .map((line, nth) => `${(nth > 0 || time === last ? '' : time).padEnd(INDENT)}${line}\n`)
      .join('');
    last = time;
  }
  return text;
}

function change({ field, from, to }: { field: string; from: string; to: string }, room: number): string[] {
  const half = Math.max(1, Math.floor((room - widthOf(field) - widthOf(TO)) / 2));
  // If one value needs less, the other gets the rest.
  const left = cut(from, Math.max(half, 2 * half - widthOf(to)));
  const right = cut(to, Math.max(half, 2 * half - widthOf(from)));
  const isWhole = (left === from || !isWord(from)) && (right === to || !isWord(to));
  if (isWhole) return [`${field}${left}${TO}${right}`];
  return [
    `${field}${cut(from, room - widthOf(field))}`,
    `${TO.trimStart().padStart(widthOf(field))}${cut(to, room - widthOf(field))}`,
  ];
}

function shown(cell: Cell): string {
  return typeof cell === 'string' ? printable(cell) : 'NULL';
}
