import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReadNext } from '../../src/sync/reading.ts';
import { walk } from '../../src/sync/walk.ts';
import { histories, type History, MovingList, type TieOrder } from './moving-list.ts';

/** How often it came to what the properties are about: a property that is never put to the test proves nothing. */
interface Tally {
  proven: number;
  repaired: number;
  /** Pages full of ties. */
  tieReads: number;
}

interface Conditions {
  order: TieOrder;
  /** Ties at the start, given the smallest page. */
  largest: (smallestPage: number) => number;
  moves: boolean;
  unreadable: boolean;
  /** Look no further once moves have made ties that do not fit into a page. */
  onlyFitting: boolean;
}

/** Walks histories; fails where an interval was proven although a row in it that never moved had not been shown. */
async function holds(conditions: Conditions, numRuns: number): Promise<Tally> {
  const tally: Tally = { proven: 0, repaired: 0, tieReads: 0 };
  const judge = async (history: History): Promise<void> => {
    const list = new MovingList(history, conditions.order);
    const read: ReadNext = async ({ offset }) => ({ offset, page: list.page(offset), asked: Infinity });
    for await (const slice of walk(read, list.start)) {
      if (conditions.onlyFitting && !list.tiesFit) return;
      tally.repaired += slice.repaired ? 1 : 0;
      tally.tieReads +=
        slice.page?.rows.every(({ activity }) => activity === slice.next.frontier) === true ? 1 : 0;
      if (slice.proven === null) continue;
      tally.proven += 1;
      expect(list.skipped(slice.proven)).toEqual([]);
    }
  };
  await fc.assert(fc.asyncProperty(histories(conditions), judge), { numRuns });
  return tally;
}

describe('whatever happens to the list while it is read', () => {
  test('no row is skipped in what is proven, ties of up to three pages included that keep their order', async () => {
    const tally = await holds(
      { order: 'kept', largest: (page) => 3 * page, moves: true, unreadable: true, onlyFitting: false },
      5_000,
    );
    expect(tally.proven).toBeGreaterThan(5_000);
    expect(tally.repaired).toBeGreaterThan(500);
    expect(tally.tieReads).toBeGreaterThan(200);
  });

  test('if ties come in another order with every page, as long as they fit into one', async () => {
    const tally = await holds(
      { order: 'shuffled', largest: (page) => page - 2, moves: true, unreadable: true, onlyFitting: true },
      3_000,
    );
    expect(tally.proven).toBeGreaterThan(2_000);
    expect(tally.repaired).toBeGreaterThan(200);
  });

  test('if they do not fit and come in another order, as long as the list is at rest', async () => {
    const tally = await holds(
      { order: 'shuffled', largest: (page) => 3 * page, moves: false, unreadable: false, onlyFitting: false },
      3_000,
    );
    expect(tally.proven).toBeGreaterThan(3_000);
    expect(tally.tieReads).toBeGreaterThan(200);
  });
});
