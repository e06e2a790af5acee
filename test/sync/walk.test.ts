import { describe, expect, test } from 'vitest';
import type { ListPage, ListRow } from '../../src/source/source.ts';
import { beginWalk, type WalkState } from '../../src/sync/next.ts';
import { type Position, type ReadNext, type Slice, TOP } from '../../src/sync/reading.ts';
import { step, walk } from '../../src/sync/walk.ts';
import { idOf, listRow } from './moving-list.ts';

/** A page of rows with these activities; each row is named after its activity, ties after their place as well. */
function pageOf(activities: readonly (number | null)[], changes: Partial<ListPage> = {}): ListPage {
  const rows = activities.map((activity, i) => {
    const tied = activities.indexOf(activity) !== i || activities.lastIndexOf(activity) !== i;
    return listRow(tied ? `r${activity}-${i}` : `r${activity}`, activity);
  });
  return { rows, total: null, hasMore: true, servedAt: null, ...changes };
}

const at = (offset: number, frontier: number): Position => ({ offset, frontier, proven: frontier });
const standing = (offset: number, frontier: number): WalkState => beginWalk(at(offset, frontier));
const range = (from: number, to: number): number[] =>
  Array.from({ length: from - to + 1 }, (_, i) => from - i);

interface Walked {
  offsets: number[];
  slices: Slice[];
  ids: string[];
}

/** Walks with pages that `answer` gives; fails where it does not end within 1,000 requests. */
async function walked(
  answer: (offset: number, request: number) => ListPage,
  start?: Position,
): Promise<Walked> {
  const result: Walked = { offsets: [], slices: [], ids: [] };
  const read: ReadNext = async ({ offset }) => {
    result.offsets.push(offset);
    if (result.offsets.length > 1_000) throw new Error('the walk does not end');
    const page = answer(offset, result.offsets.length);
    result.ids.push(...page.rows.map(idOf));
    return { offset, page, asked: Infinity };
  };
  for await (const slice of walk(read, start ?? TOP)) result.slices.push(slice);
  return result;
}

/** Answers as a list of these rows would that stands still. */
function still(rows: readonly ListRow[], size: number, total: number | null = rows.length) {
  return (offset: number): ListPage => ({
    rows: rows.slice(offset, offset + size),
    total,
    hasMore: offset + size < rows.length,
    servedAt: null,
  });
}

const rowsAt = (...activities: (number | null)[]): ListRow[] => activities.map((a, i) => listRow(`r${i}`, a));

describe('a page that links', () => {
  test('at the top of the list proves everything above its last row but one, and no more', () => {
    const { slice } = step(standing(0, Infinity), pageOf([50, 40, 30]));
    expect(slice).toMatchObject({ proven: { above: 40, upTo: Infinity }, repaired: false, ended: false });
  });

  test('at the top of the list does so after a step back to it, if its first row lies above the frontier', () => {
    expect(step(standing(0, 60), pageOf([61, 40, 30])).slice.proven).toEqual({ above: 40, upTo: 60 });
  });

  test('further down begins strictly above the frontier', () => {
    expect(step(standing(7, 40), pageOf([42, 41, 40, 35, 30])).slice.proven).toEqual({
      above: 35,
      upTo: 40,
    });
    expect(step(standing(7, 40), pageOf([40, 35, 30])).slice.proven).toBeNull();
    expect(step(standing(7, 40), pageOf([39, 35, 30])).slice.proven).toBeNull();
  });

  test('may begin with rows without an activity, as long as the first that has one is above the frontier', () => {
    const page = pageOf([null, null, 42, 41, 40, 35, 30]);
    expect(step(standing(7, 40), page).slice.proven).toEqual({ above: 35, upTo: 40 });
    expect(step(standing(7, 40), pageOf([null, null, 40, 30])).slice.proven).toBeNull();
  });

  test('but still lies above the frontier proves nothing, and the walk goes on at its last row', () => {
    const { slice } = step(standing(7, 20), pageOf([50, 40, 30]));
    expect(slice).toMatchObject({ proven: null, repaired: false, next: { offset: 9, frontier: 20 } });
  });

  test('is followed by one that begins at the last row above the new frontier: two rows overlap', () => {
    const state = standing(10, 60);
    expect(step(state, pageOf([62, 61, 50, 40, 30])).slice.next).toEqual({
      offset: 13,
      frontier: 30,
      proven: 40,
    });
    expect(step(state, pageOf([62, 61, 50, 30, 30])).slice.next).toEqual({
      offset: 12,
      frontier: 30,
      proven: 30,
    });
  });

  test('and is the last one proves everything down to the end of the list', () => {
    const { slice } = step(standing(7, 40), pageOf([42, 41, 30], { hasMore: false, total: 10 }));
    expect(slice).toMatchObject({
      proven: { above: -Infinity, upTo: 40 },
      ended: true,
      doubt: null,
      next: { frontier: -Infinity },
    });
  });

  test('of an empty list after rows were shown proves nothing: it is an older list', () => {
    const { slice } = step({ ...standing(0, 40), linked: true }, pageOf([], { hasMore: false }));
    expect(slice).toMatchObject({ proven: null, ended: true, doubt: expect.stringContaining('older list') });
  });

  test('of an empty list proves that there is nothing', () => {
    const { slice } = step(standing(0, Infinity), pageOf([], { hasMore: false, total: 0 }));
    expect(slice).toMatchObject({ proven: { above: -Infinity, upTo: Infinity }, ended: true });
  });
});

describe('a page that does not link', () => {
  test('makes the walk step back by 1, 2, 4, ... rows, down to the top of the list', async () => {
    const { offsets } = await walked(
      (offset) => (offset === 0 ? pageOf([9], { hasMore: false, total: 1 }) : pageOf([10, 5])),
      at(40, 30),
    );
    expect(offsets).toEqual([40, 39, 37, 33, 25, 9, 0]);
  });

  test('is a repair once the walk has linked, and mere seeking before', async () => {
    const seeking = step(standing(7, 40), pageOf([39, 30]));
    expect(seeking.slice).toMatchObject({ proven: null, repaired: false, next: { offset: 6 } });

    const linked = step(standing(0, Infinity), pageOf([50, 40, 30]));
    const repair = step(linked.state, pageOf([29, 20, 10]));
    expect(repair.slice).toMatchObject({ proven: null, repaired: true, doubt: null, next: { offset: 0 } });
  });

  test('forgets how far it had stepped back as soon as a page links again', () => {
    const pages = [
      [39, 30],
      [39, 35],
      [45, 41, 39],
    ].map((activities) => pageOf(activities));
    const state = pages.reduce((before, page) => step(before, page).state, standing(20, 40));
    expect(state).toMatchObject({ offset: 18, frontier: 39, back: 0 });
    expect(step(state, pageOf([30, 20])).slice.next.offset).toBe(17);
  });

  test('beyond the end of a list that shrank does not end the list', () => {
    const { slice } = step(standing(50, 40), pageOf([], { hasMore: false }));
    expect(slice).toMatchObject({ proven: null, ended: false, next: { offset: 49, frontier: 40 } });
  });

  test('loses no row when many vanish above: the walk goes back, and down again without a hole', async () => {
    const rows = range(99, 0).map((activity) => listRow(`r${activity}`, activity));
    const { slices, ids } = await walked((offset, request) =>
      still(request < 5 ? rows : rows.slice(25), 10)(offset),
    );
    expect(slices.some(({ repaired }) => repaired)).toBe(true);
    expect(new Set(ids).size).toBe(100);
    expect(provenGaps(slices)).toEqual([]);
  });
});

/** What lies between the intervals that the slices proved, from the top down to the end. */
function provenGaps(slices: readonly Slice[]): { above: number; upTo: number }[] {
  const proven = slices.flatMap((slice) => slice.proven ?? []);
  const edges = [{ above: Infinity, upTo: Infinity }, ...proven, { above: -Infinity, upTo: -Infinity }];
  return edges.slice(1).flatMap((lower, i) => {
    const upper = edges[i]?.above ?? Infinity;
    return upper === lower.upTo ? [] : [{ above: lower.upTo, upTo: upper }];
  });
}

describe('the intervals that a walk proves', () => {
  test.each([2, 3, 10])(
    'follow each other without a hole from the top to the end, %i rows a page',
    async (size) => {
      const { slices, ids } = await walked(still(rowsAt(...range(60, 1)), size));
      expect(provenGaps(slices)).toEqual([]);
      expect(new Set(ids).size).toBe(60);
      expect(slices.every(({ repaired, doubt }) => !repaired && doubt === null)).toBe(true);
    },
  );

  test('begin at the frontier that the walk was given when it seeks', async () => {
    const { slices, offsets } = await walked(still(rowsAt(...range(60, 1)), 10), at(42, 25));
    expect(offsets.slice(0, 5)).toEqual([42, 41, 39, 35, 27]);
    expect(slices.flatMap(({ proven }) => proven ?? [])[0]?.upTo).toBe(25);
    expect(slices.some(({ repaired }) => repaired)).toBe(false);
  });
});

/** `before` rows of different activities, then `count` ties, then `after` rows. */
const tied = (before: number, count: number, after: number): ListRow[] =>
  rowsAt(...range(1_000, 1_001 - before), ...Array.from({ length: count }, () => 500), ...range(after, 1));

describe('ties that do not fit into a page', () => {
  test.each([
    [0, 10, 0],
    [1, 9, 5],
    [3, 30, 0],
    [0, 25, 7],
    [4, 10, 1],
  ])('are proven if they keep their order: %i rows, %i ties, %i rows', async (before, count, after) => {
    const { slices, ids } = await walked(still(tied(before, count, after), 10));
    expect(new Set(ids).size).toBe(before + count + after);
    expect(provenGaps(slices)).toEqual([]);
    expect(slices.every(({ repaired, doubt }) => !repaired && doubt === null)).toBe(true);
  });

  test('are not proven before a page has shown their end', async () => {
    const { slices } = await walked(still(tied(3, 30, 5), 10));
    const proven = slices.map((slice) => slice.proven);
    expect(proven.slice(0, 4)).toEqual([{ above: 500, upTo: Infinity }, null, null, null]);
    expect(proven[4]).toEqual({ above: -Infinity, upTo: 500 });
  });

  test('are walked once more if the total moved while they were read, and proven then', async () => {
    const rows = tied(3, 30, 5);
    const { slices, offsets } = await walked((offset, request) =>
      still(rows, 10, request <= 2 ? 37 : 38)(offset),
    );
    expect(offsets.filter((offset) => offset <= 3)).toEqual([0, 2, 1, 2]);
    expect(slices.filter(({ repaired }) => repaired)).toHaveLength(1);
    expect(provenGaps(slices)).toEqual([]);
  });

  test('stay unproven, alone, if the total never comes to rest; the walk continues below them', async () => {
    const { slices, offsets } = await walked((offset, request) => still(tied(3, 30, 5), 10, request)(offset));
    expect(slices.filter(({ doubt }) => doubt !== null).map(({ doubt }) => doubt)).toEqual([
      expect.stringContaining('same lastActivityAt'),
    ]);
    expect(provenGaps(slices)).toEqual([{ above: 499, upTo: 500 }]);
    expect(offsets.length).toBeLessThan(100);
  });

  test('end the walk also if pages of rows that cannot be read come between', async () => {
    const rows = rowsAt(null, null, null, 2_000, 500, 500, null, 500, 500, 500);
    const { slices, ids } = await walked((offset, request) => still(rows, request % 2 === 1 ? 7 : 3)(offset));
    expect(slices.at(-1)?.ended).toBe(true);
    expect(new Set(ids).size).toBe(10);
  });

  test('are not linked by a row that only a page had shown which did not link itself', async () => {
    const ties = range(11, 1).map((n) => listRow(`t${n}`, 500));
    const sunk = range(11, 1).map((n) => listRow(`t${n}`, 400));
    const { ids, slices } = await walked((offset, request) => {
      // Before the second request two ties sink, before the third one more: t2 is pulled up past the walk.
      const gone = [0, 2][request - 1] ?? 3;
      return still([...ties.slice(gone), ...sunk.slice(0, gone), listRow('last', 300)], 9)(offset);
    });
    expect(ids).toContain('t2');
    expect(provenGaps(slices)).toEqual([]);
  });
});

describe('a group of ties larger than a page, in another order with each request', () => {
  test('is joined by any row of it once it was counted, though the last page did not show that row', async () => {
    const ties = ['a', 'b', 'c', 'd', 'e'];
    const { slices, offsets } = await walked((offset, request) => {
      const turned = ties.map((_, i) => ties[(i + 2 * request) % ties.length] ?? '');
      const rows = [listRow('top', 600), ...turned.map((id) => listRow(id, 500)), ...rowsAt(400, 300, 200)];
      return still(rows, 3)(offset);
    });
    expect(slices.at(-1)).toMatchObject({ ended: true, doubt: null });
    expect(provenGaps(slices)).toEqual([]);
    expect(offsets.length).toBeLessThan(20);
  });

  test('leads on down below it after a page from its middle, once it was counted', () => {
    const state = {
      ...standing(9, 400),
      proven: 500,
      linked: true,
      counted: { activity: 500, end: 12, total: 30 },
    };
    const rows = ['x', 'y', 'z'].map((id) => listRow(id, 500));
    const { state: next, slice } = step(state, { rows, total: 30, hasMore: true, servedAt: null });
    expect(slice.proven).toBeNull();
    expect(next.offset).toBe(11);
    const ends = [listRow('v', 500), ...rowsAt(400, 300)];
    const left = step(next, { rows: ends, total: 30, hasMore: true, servedAt: null });
    expect(left.slice.proven).toEqual({ above: 400, upTo: 500 });
  });
});

test('a group of ties that stays unproven is not proven by the pages below it', () => {
  const known = new Set(['a']);
  const ties = {
    activity: 500,
    seen: known,
    linked: known,
    start: { offset: 0, total: null, beside: [] },
  };
  const state = { ...standing(5, 500), linked: true, ties, passes: 10 };
  const rows = [listRow('a', 500), listRow('b', 500), listRow('c', 400)];
  const left = step(state, { rows, total: null, hasMore: true, servedAt: null });
  expect(left.slice).toMatchObject({ proven: null, doubt: expect.stringContaining('larger than a page') });
  const next = step(left.state, pageOf([500, 400, 300, 200]));
  expect(next.slice.proven).toEqual({ above: 300, upTo: 499 });
});

describe('the end of a list', () => {
  test('that is too short a page to tell whether its first row is in the wrong place proves nothing alone', () => {
    const state = { ...standing(24, 300), proven: 310, linked: true };
    const end = { rows: rowsAt(600, 100), total: null, hasMore: false, servedAt: null };
    expect(step(state, end).slice.proven).toBeNull();
    const seam = { ...end, total: 28, rows: rowsAt(310, 300, 250, 100) };
    const shown = new Set(['r0']);
    expect(step({ ...state, shown }, seam).slice.proven).toEqual({ above: -Infinity, upTo: 310 });
  });

  test('is confirmed by a page of its last rows alone, though none of them has an activity', async () => {
    const { slices, offsets } = await walked(still(rowsAt(30, null, null), 5, null));
    expect(slices.at(-1)).toMatchObject({ ended: true, doubt: null, proven: { above: -Infinity } });
    expect(offsets.length).toBeLessThan(4);
  });
});

describe('a walk that gets nowhere', () => {
  test('gives up on pages without rows that claim more', async () => {
    const { slices, offsets } = await walked(() => pageOf([]), TOP);
    expect(offsets.length).toBeLessThan(50);
    expect(slices.at(-1)).toMatchObject({
      ended: true,
      proven: null,
      doubt: expect.stringContaining('no rows'),
    });
  });

  test('gives up on the same page for every offset', async () => {
    const { slices, offsets } = await walked(() => pageOf([30, 20, 10]));
    expect(offsets.length).toBeLessThan(100);
    expect(slices.at(-1)).toMatchObject({ ended: true, doubt: expect.stringContaining('gave up') });
    expect(slices.flatMap(({ proven }) => proven ?? [])).toEqual([{ above: 20, upTo: Infinity }]);
  });

  test('gives up on a list that is not sorted, and says so', async () => {
    const { slices } = await walked((offset) => (offset === 0 ? pageOf([30, 20, 10]) : pageOf([15, 5, 12])));
    expect(slices.at(-1)).toMatchObject({ ended: true, doubt: expect.stringContaining('not sorted') });
  });

  test('detects an unsorted page also between rows without an activity, and at the end of the list', () => {
    const page = pageOf([30, null, 31], { hasMore: false });
    expect(step(standing(0, Infinity), page).slice).toMatchObject({ proven: null, ended: false });
  });

  test('does not mean one that goes over many pages again after a long step back', async () => {
    const rows = range(4_000, 1).map((activity) => listRow(`r${activity}`, activity));
    const { slices, offsets } = await walked((offset, request) =>
      still(request < 200 ? rows : rows.slice(520), 10)(offset),
    );
    const back = offsets.findIndex((offset, i) => i > 0 && offset < (offsets[i - 1] ?? 0) - 500);
    expect(slices.slice(back).findIndex(({ proven }) => proven !== null)).toBeGreaterThan(40);
    expect(slices.every(({ doubt }) => doubt === null)).toBe(true);
    expect(provenGaps(slices)).toEqual([]);
  });
});

describe('facts that no answer of the API can show', () => {
  // Known limit: no answer of the API shows this (see judgeTies). It takes more ties than a page holds, in another order
  // with every request, and one of them that sinks after it was seen: the count is right, although d was never shown.
  test.fails('is a row that sinks out of ties larger than a page while their order changes', async () => {
    const [a, b, c, e, f] = ['a', 'b', 'c', 'e', 'f'].map((id) => listRow(id, 500));
    const answers = [
      [a, b, c],
      [c, e, f],
      [f, listRow('a', 400)],
    ];
    const { slices, ids } = await walked((_offset, request) => {
      const rows = (answers[request - 1] ?? []).flatMap((row) => row ?? []);
      return { rows, total: 6, hasMore: request < 3, servedAt: null };
    });
    expect(provenGaps(slices).length > 0 || ids.includes('d')).toBe(true);
  });
});
