import type { Cell } from '../../store/queryable.ts';
import { cut, printable, widthOf } from '../text.ts';

/** The separator between a field's values. */
const TO = ' → ';
/** Width of a UTC text and two spaces. */
const INDENT = 26;

/**
 * Writes rows of time, event, field, old and new value for people, one per line; a repeated time is left out.
 * Cuts long values to make lines fit in `width` columns; Infinity: cuts nothing.
 */
export function historyText(rows: Iterable<readonly Cell[]>, width: number): string {
  let last = '';
  let text = '';
  for (const row of rows) {
    const [time = '', event = '', field, from, to] = row.map(shown);
    text += (time === last ? '' : time).padEnd(INDENT);
    text += row[2] === null ? event : change({ field: `${field}: `, from, to }, width - INDENT);
    text += '\n';
    last = time;
  }
  return text;
}

function change(
  { field, from = '', to = '' }: { field: string; from: string | undefined; to: string | undefined },
  room: number,
): string {
  const half = Math.max(1, Math.floor((room - widthOf(field) - widthOf(TO)) / 2));
  // If one value needs less, the other gets the rest.
  const left = Math.max(half, 2 * half - widthOf(to));
  const right = Math.max(half, 2 * half - widthOf(from));
  return `${field}${cut(from, left)}${TO}${cut(to, right)}`;
}

function shown(cell: Cell): string {
  return typeof cell === 'string' ? printable(cell) : 'NULL';
}
