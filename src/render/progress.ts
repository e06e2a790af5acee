import type { Clock } from '../model/clock.ts';
import type { Progress } from '../sync/run.ts';
import type { Output } from '../platform/terminal.ts';
import { duration, grouped } from './text.ts';

/** Time between two updates in ms: of the bar on a terminal, of the lines elsewhere. */
const DRAW_MS = 100;
const LINE_MS = 5_000;
const BAR_WIDTH = 24;
const BAR_MIN_COLUMNS = 72;

/** Shows the progress of the sources: a bar on a terminal, one plain line every few seconds elsewhere. */
export class ProgressLine {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #began: number;
  readonly #sources = new Map<string, Progress & { from: number }>();
  #last: number;
  #drawn = false;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
    this.#began = clock.now();
    this.#last = this.#began;
  }

  update(source: string, progress: Progress): void {
    const from = this.#sources.get(source)?.from ?? Math.max(0, progress.offset - progress.rowsSeen);
    this.#sources.set(source, { ...progress, from });
    const now = this.#clock.now();
    if (Math.abs(now - this.#last) < (this.#output.isTTY === true ? DRAW_MS : LINE_MS)) return;
    this.#last = now;
    if (this.#output.isTTY !== true) {
      this.#output.write(`${this.#text(now)}\n`);
      return;
    }
    this.#output.write(`\r\u001B[K${this.#fitted(now)}`);
    this.#drawn = true;
  }

  /** Removes the bar, so that the next output starts on a clean line. */
  done(): void {
    if (this.#drawn) this.#output.write('\r\u001B[K');
    this.#drawn = false;
  }

  #fitted(now: number): string {
    const columns = this.#output.columns ?? 80;
    const text = this.#text(now);
    const share = this.#share();
    const bar = share === null || columns < BAR_MIN_COLUMNS ? '' : `${drawBar(share)} `;
    return `${bar}${text}`.slice(0, Math.max(0, columns - 1));
  }

  #text(now: number): string {
    const all = [...this.#sources.values()];
    const rows = sum(all.map(({ rowsSeen }) => rowsSeen));
    const seconds = Math.max(0.001, (now - this.#began) / 1_000);
    const rate = rows / seconds;
    const total = this.#total();
    const place = sum(all.map(({ offset }) => offset));
    const name = this.#sources.size === 1 ? [...this.#sources.keys()][0] : `${this.#sources.size} sources`;
    const left =
      total === null || rate === 0
        ? ''
        : `, ${duration(Math.max(1, Math.ceil((total - place) / rate)) * 1_000)} left`;
    const of = total === null ? '' : ` of ${grouped(total)}`;
    return `${name}: ${grouped(Math.min(place, total ?? place))}${of} rows, ${grouped(Math.round(rate))}/s${left}`;
  }

  /** Returns the rows that all sources will read; null if it is not known, as when one does not backfill. */
  #total(): number | null {
    const all = [...this.#sources.values()];
    const totals = all.map(({ kind, total }) => (kind === 'backfill' ? total : null));
    return totals.every((total) => total !== null) ? sum(totals) : null;
  }

  #share(): number | null {
    const total = this.#total();
    if (total === null || total === 0) return null;
    return Math.min(1, sum([...this.#sources.values()].map(({ offset }) => offset)) / total);
  }
}

function drawBar(share: number): string {
  const full = Math.round(share * BAR_WIDTH);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
