import type { ColumnKind } from '../../reports/report.ts';

/** Maximum parts of an axis. */
const PARTS = 4;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Clock steps, in ms: decimal steps would give an axis of minutes odd seconds. */
const CLOCK_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map((count) => count * HOUR),
];

/** Returns round values from 0 up to the first that is not below `max`: two to five, evenly spaced. */
export function ticks(max: number, kind: ColumnKind): number[] {
  const step = stepFor(Math.max(0, max) / PARTS, kind);
  const count = Math.max(1, Math.ceil(max / step));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

function stepFor(least: number, kind: ColumnKind): number {
  if (kind === 'milliseconds' && least > SECOND / 2) {
    return CLOCK_STEPS.find((step) => step >= least) ?? decimalStep(least / DAY) * DAY;
  }
  if (kind === 'ratio') return least === 0 ? 1 : decimalStep(least);
  return Math.max(1, decimalStep(least));
}

/** Returns the smallest of 1, 2 and 5 times a power of ten that is not below `least`. */
function decimalStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, Number.MIN_VALUE)));
  return power * ([1, 2, 5].find((count) => count * power >= least) ?? 10);
}
