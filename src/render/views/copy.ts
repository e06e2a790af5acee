import type { TableCopy } from '../../copy/copy.ts';
import { counted, grouped, pad, printable } from '../text.ts';

/** Tells people how a copy went: a line for each table, then what it is now. */
export function copyText({ from, to, tables }: { from: string; to: string; tables: TableCopy[] }): string {
  const names = Math.max(...tables.map(({ table }) => table.length));
  const counts = Math.max(...tables.map(({ target }) => grouped(target.rows).length));
  const lines = tables.map(({ table, origin, target, isExact }) => {
    const start = `${pad(table, names, 'left')}  ${pad(grouped(target.rows), counts, 'right')}`;
    if (isExact) return `${start}  ${target.checksum}  equal`;
    return `${start}  ${target.checksum}  differs: ${counted(origin.rows, 'row')}, ${origin.checksum}`;
  });
  const setAside = tables.reduce((sum, table) => sum + table.setAside, 0);
  const leftOut = tables.reduce((sum, table) => sum + table.leftOut, 0);
  if (setAside > 0) {
    lines.push(`${counted(setAside, 'task')} cannot be held there: see the table rejected_rows of the copy`);
  }
  if (leftOut > 0) lines.push(`${counted(leftOut, 'row')} about tasks that are not there were left out`);
  if (tables.every(({ isExact }) => isExact)) {
    lines.push(
      `${printable(from)} is copied to ${printable(to)}`,
      'The next run there builds the indexes for reports and the one for search.',
    );
  }
  return `${lines.join('\n')}\n`;
}
