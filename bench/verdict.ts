import { counted } from '../src/render/text.ts';
import { newRowsPerPage, OVERLAP_ROWS } from '../src/sync/reading.ts';

/** What a figure counts. Times are kept in ms and us, memory (`bytes`) and what goes to a disk (`written`) in bytes. */
export type Unit = 'ms' | 'us' | 'bytes' | 'written' | 'requests' | 'rows';

/** One figure of ours, with what it is held against. */
export interface Measured {
  what: string;
  unit: Unit;
  ours: number;
  /** What the same work costs without taskmirror, or has to cost. Without one, `ours` itself is judged. */
  yardstick?: number;
  /** The most that the ratio (or `ours`, without a yardstick) may be. Without one, the figure is there to be known. */
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

/** The middle of the values, or the mean of the two in the middle. Throws RangeError if there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('There is no median of no values.');
  return (lower + upper) / 2;
}

/** The median of one figure of each run. */
export function medianOf<T>(runs: readonly T[], figure: (run: T) => number): number {
  return median(runs.map(figure));
}

/** `ours` divided by the yardstick; null where there is none, or where it measured nothing. */
export function ratioOf({ ours, yardstick }: Measured): number | null {
  return yardstick === undefined || yardstick <= 0 ? null : ours / yardstick;
}

/** Whether a figure keeps to its bound; empty where it has none. A ratio that cannot be had is over it. */
export function verdictOf(measured: Measured): Line['verdict'] {
  const { ours, yardstick, most } = measured;
  if (most === undefined) return '';
  const judged = yardstick === undefined ? ours : ratioOf(measured);
  return judged !== null && judged <= most ? 'ok' : 'over';
}

/** Rows that a page brings to a walk over a list at rest, where 100 are asked for: each overlaps the one above it. */
export const NEW_ROWS_A_PAGE = newRowsPerPage(100);

/** Pages that a walk over `tasks` rows reads. */
export function pagesOf(tasks: number): number {
  return Math.max(1, Math.ceil((tasks - OVERLAP_ROWS) / NEW_ROWS_A_PAGE));
}

/** The list requests that catching up may cost, where `changes` rows are new at the top and `overlap` are read again. */
export function mostCatchUpRequests(changes: number, overlap: number): number {
  return Math.ceil((changes + overlap) / NEW_ROWS_A_PAGE) + 1;
}

/** The figures as people read them. */
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

/** A Markdown table whose columns are aligned. */
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
