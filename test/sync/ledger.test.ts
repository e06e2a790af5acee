import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  completeThrough,
  cover,
  EMPTY_LEDGER,
  type Ledger,
  nextGap,
  openGap,
} from '../../src/model/ledger.ts';

const moment = fc.integer({ min: 0, max: 60 });
const MOMENTS = Array.from({ length: 81 }, (_, i) => i - 10);

/** The naive model: the set of moments that may lack rows. */
const lacking = (ledger: Ledger): number[] =>
  MOMENTS.filter((at) => ledger.gaps.some((gap) => at > (gap.lower ?? -Infinity) && at <= gap.upper));

const ledgers = fc
  .array(
    fc.oneof(
      fc.record({ head: moment, overlap: fc.integer({ min: 0, max: 10 }) }),
      fc
        .tuple(fc.oneof(moment, fc.constant(-Infinity)), moment)
        .map(([a, b]) => ({ above: Math.min(a, b), upTo: Math.max(a, b) })),
    ),
    { maxLength: 12 },
  )
  .map((steps) =>
    steps.reduce<Ledger>(
      (ledger, step) => ('head' in step ? openGap(ledger, step.head, step.overlap) : cover(ledger, step)),
      EMPTY_LEDGER,
    ),
  );

describe('the coverage ledger', () => {
  test('covering an interval takes exactly that interval out of the gaps', () => {
    fc.assert(
      fc.property(ledgers, moment, moment, (ledger, a, b) => {
        const proven = { above: Math.min(a, b), upTo: Math.max(a, b) };
        const expected = lacking(ledger).filter((at) => !(at > proven.above && at <= proven.upTo));
        expect(lacking(cover(ledger, proven))).toEqual(expected);
      }),
    );
  });

  test('opening a run adds everything from the head down to the overlap below the watermark', () => {
    fc.assert(
      fc.property(ledgers, moment, fc.integer({ min: 0, max: 10 }), (ledger, head, overlap) => {
        const floor = ledger.watermark === null ? -Infinity : ledger.watermark - overlap;
        const expected = MOMENTS.filter((at) => lacking(ledger).includes(at) || (at >= floor && at <= head));
        const opened = openGap(ledger, head, overlap);
        expect(lacking(opened)).toEqual(expected);
        expect(opened.watermark).toBe(Math.max(head, ledger.watermark ?? head));
      }),
    );
  });

  test('gaps stay disjoint, newest first, and never empty', () => {
    fc.assert(
      fc.property(ledgers, ({ gaps }) => {
        for (const [i, gap] of gaps.entries()) {
          expect(gap.upper).toBeGreaterThan(gap.lower ?? -Infinity);
          const below = gaps[i + 1]?.upper ?? -Infinity;
          expect(gap.lower ?? -Infinity).toBeGreaterThanOrEqual(below);
        }
      }),
    );
  });

  test('nothing at or below complete-through lies in a gap', () => {
    fc.assert(
      fc.property(ledgers, (ledger) => {
        const through = completeThrough(ledger);
        if (through === null) return;
        expect(lacking(ledger).filter((at) => at <= through)).toEqual([]);
      }),
    );
  });

  test('a ledger that has seen nothing promises nothing, and the first run opens a gap down to the end', () => {
    expect(completeThrough(EMPTY_LEDGER)).toBeNull();
    const opened = openGap(EMPTY_LEDGER, 50, 10);
    expect(opened).toEqual({ watermark: 50, gaps: [{ lower: null, upper: 50 }] });
    expect(completeThrough(opened)).toBeNull();
    expect(completeThrough(cover(opened, { above: -Infinity, upTo: 50 }))).toBe(50);
  });

  test('rows at the very edge of the overlap are read again', () => {
    const settled: Ledger = { watermark: 100, gaps: [] };
    expect(openGap(settled, 120, 10).gaps).toEqual([{ lower: 89, upper: 120 }]);
    expect(openGap(settled, 120, 0).gaps).toEqual([{ lower: 99, upper: 120 }]);
  });

  test('the next gap is the newest that begins at or below a place', () => {
    const ledger: Ledger = {
      watermark: 50,
      gaps: [
        { lower: 40, upper: 50 },
        { lower: 10, upper: 20 },
      ],
    };
    expect(nextGap(ledger, 50)?.upper).toBe(50);
    expect(nextGap(ledger, 49)?.upper).toBe(20);
    expect(nextGap(ledger, 19)).toBeUndefined();
  });
});
