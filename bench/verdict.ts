import { counted } from '../src/render/text.ts';
import { newRowsPerPage, OVERLAP_ROWS } from '../src/sync/reading.ts';

/** The unit of a figure. Times are in ms and us, memory (`bytes`) and disk writes (`written`) in bytes. */
export type Unit = 'ms' | 'us' | 'bytes' | 'written' | 'requests' | 'rows';

/** One figure of ours, with its yardstick. */
export interface Measured {
  what: string;
  unit: Unit;
  ours: number;
  /** The cost of the same work without taskmirror, or its target. Without it, `ours` itself is judged. */
  yardstick?: number;
  /** The most that the ratio (or `ours`, without a yardstick) may be. Without it, nothing is judged. */
  most?: number;
}

/** A row of the table that people read. */
export interface Line {
  what: string;
  ours: string;
  yardstick: string;
  ratio: string;
  most: string;
  verdict: 'ok' | 'over' | '';
}

/** Returns the middle value, or the mean of the two in the middle. Throws RangeError if there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('There is no median of no values.');
  return (lower + upper) / 2;
}

/** Returns the median of one figure of each run. */
export function medianOf<T>(runs: readonly T[], figure: (run: T) => number): number {
  return median(runs.map(figure));
}

/** Returns `ours` divided by the yardstick; null if there is none, or it measured nothing. */
export function ratioOf({ ours, yardstick }: Measured): number | null {
  return yardstick === undefined || yardstick <= 0 ? null : ours / yardstick;
}

/** Returns whether a figure keeps to its bound; empty if it has none. A missing ratio is over it. */
export function verdictOf(measured: Measured): Line['verdict'] {
  const { ours, yardstick, most } = measured;
  if (most === undefined) return '';
  const judged = yardstick === undefined ? ours : ratioOf(measured);
  return judged !== null && judged <= most ? 'ok' : 'over';
}

/** Rows that each page adds to a walk at rest, with 100 asked for: each page overlaps the one above it. */
export const NEW_ROWS_A_PAGE = newRowsPerPage(100);

/** Returns the pages that a walk over `tasks` rows reads. */
export function pagesOf(tasks: number): number {
  return Math.max(1, Math.ceil((tasks - OVERLAP_ROWS) / NEW_ROWS_A_PAGE));
}

/** Returns the most list requests to catch up if `changes` rows are new and `overlap` rows are read again. */
export function mostCatchUpRequests(changes: number, overlap: number): number {
  return Math.ceil((changes + overlap) / NEW_ROWS_A_PAGE) + 1;
}

/** Formats a figure for people. */
export function lineOf(measured: Measured): Line {
  const { what, unit, ours, yardstick, most } = measured;
  const ratio = ratioOf(measured);
  return {
    what,
    ours: withUnit(ours, unit),
    yardstick: yardstick === undefined ? '' : withUnit(yardstick, unit),
    ratio: ratio === null ? '' : ratio.toFixed(2),
    most: most === undefined ? '' : yardstick === undefined ? withUnit(most, unit) : String(most),
    verdict: verdictOf(measured),
  };
}

/** Formats a Markdown table whose columns are aligned. */
export function tableOf(lines: readonly Line[]): string {
  const head: Record<keyof Line, string> = {
    what: 'what',
    ours: 'ours',
    yardstick: 'yardstick',
    ratio: 'ratio',
    most: 'at most',
    verdict: 'verdict',
  };
  const names = Object.keys(head) as (keyof Line)[];
  const widths = names.map((name) => Math.max(...[head, ...lines].map((line) => line[name].length)));
  const isText = (name: keyof Line): boolean => name === 'what' || name === 'verdict';
  const row = (line: Record<keyof Line, string>): string =>
    `| ${names.map((name, at) => line[name][isText(name) ? 'padEnd' : 'padStart'](widths[at] ?? 0)).join(' | ')} |`;
  const rule = names.map((name, at) => {
    const dashes = '-'.repeat((widths[at] ?? 0) - (isText(name) ? 0 : 1));
    return isText(name) ? dashes : `${dashes}:`;
  });
  return [row(head), `| ${rule.join(' | ')} |`, ...lines.map(row)].join('\n');
}

function withUnit(value: number, unit: Unit): string {
  if (unit === 'bytes') return `${(value / 1024 ** 2).toFixed(1)} MB`;
  if (unit === 'written') return written(value);
  if (unit === 'us') return `${value.toFixed(1)} us`;
  if (unit === 'ms') return value < 1_000 ? `${value.toFixed(1)} ms` : `${(value / 1_000).toFixed(2)} s`;
  return counted(value, unit.slice(0, -1));
}

/** In powers of ten, as disks are measured. */
function written(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} KB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
