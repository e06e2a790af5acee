import { describe, expect, test } from 'vitest';
import type { ListPage } from '../../src/source/source.ts';
import { PagesAhead } from '../../src/sync/ahead.ts';
import type { PlacedPage, Wanted } from '../../src/sync/reading.ts';
import type { PageContext, PageReader } from '../../src/sync/served.ts';
import { listRow } from './moving-list.ts';

const SIZE = 100;
const STRIDE = SIZE - 2;

/** A list at rest that answers when, and in the order in which, the test says. */
class HeldList {
  /** Offsets of the requests, in the order in which they were sent. */
  readonly sent: number[] = [];
  readonly aborted: number[] = [];
  readonly #waiting = new Map<number, PromiseWithResolvers<ListPage>>();
  readonly #pushbacks = new Map<number, () => void>();
  readonly #rows: number;

  constructor(rows: number) {
    this.#rows = rows;
  }

  /** Rows that were pushed down (up: less than 0) since the beginning. */
  moved = 0;

  get reader(): PageReader {
    const read = (offset: number, context: PageContext) => this.#read(offset, context);
    return { read, readAround: read };
  }

  async #read(offset: number, { signal, onPushback }: PageContext): Promise<PlacedPage> {
    this.sent.push(offset);
    const answer = Promise.withResolvers<ListPage>();
    this.#waiting.set(offset, answer);
    this.#pushbacks.set(offset, onPushback);
    signal.addEventListener('abort', () => {
      this.aborted.push(offset);
      answer.reject(signal.reason);
    });
    return { offset, page: await answer.promise, asked: SIZE };
  }

  /** Requests that are neither answered nor given up. */
  get underWay(): number[] {
    return [...this.#waiting.keys()].filter((offset) => !this.aborted.includes(offset));
  }

  answer(offset: number): void {
    const to = Math.min(this.#rows, offset + SIZE);
    const first = offset - this.moved;
    const rows = Array.from({ length: to - offset }, (_, i) => listRow(`r${first + i}`, -(first + i)));
    this.#take(offset).resolve({ rows, total: this.#rows, hasMore: to < this.#rows, servedAt: null });
  }

  fail(offset: number): void {
    this.#take(offset).reject(new Error(`page ${offset} failed`));
  }

  pushBack(offset: number): void {
    this.#pushbacks.get(offset)?.();
  }

  #take(offset: number): PromiseWithResolvers<ListPage> {
    const answer = this.#waiting.get(offset);
    if (answer === undefined) throw new Error(`nobody waits for ${offset}`);
    this.#waiting.delete(offset);
    return answer;
  }
}

/** Where a walk stands that has read this list, as it was at first, down to the row after the one at `offset`. */
function at(offset: number): Wanted {
  const frontier = -(offset + 1);
  return {
    offset,
    isRow: true,
    anchor: offset,
    fit({ page: { rows } }) {
      const activities = rows.map(({ activity }) => activity ?? 0);
      const above = activities.findIndex((activity) => activity <= frontier);
      const isDeeper = (activities.at(-1) ?? 0) < frontier;
      return { kind: above === 0 ? 'below' : isDeeper ? 'links' : 'useless', above };
    },
  };
}

const everything = () => Infinity;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Reads page after page, each answered when the walk waits for it; returns how many were under way with each. */
async function readOn(list: HeldList, pages: PagesAhead, from: number, count: number): Promise<number[]> {
  const underWay: number[] = [];
  for (let page = from; page < from + count; page += 1) {
    const reading = pages.read(at(page * STRIDE));
    underWay.push(list.underWay.length);
    if (list.underWay.includes(page * STRIDE)) list.answer(page * STRIDE);
    await reading;
  }
  return underWay;
}

describe('reading ahead', () => {
  test('begins with one request, and grows with each page up to the concurrency', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.reader, { concurrency: 4, reach: everything });
    expect(await readOn(list, pages, 0, 6)).toEqual([1, 2, 3, 4, 4, 4]);
    expect(list.sent).toEqual(list.sent.toSorted((a, b) => a - b));
    await pages.close();
  });

  test.each([1, 2, 5, 8])('never has more requests under way than %i', async (concurrency) => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.reader, { concurrency, reach: everything });
    const underWay = await readOn(list, pages, 0, 20);
    expect(Math.max(...underWay)).toBe(concurrency);
    // Nor when rows have vanished above, and the seam is asked for as well.
    list.moved = -5;
    const reading = pages.read(at(20 * STRIDE));
    for (let left = 40; left > 0; left -= 1) {
      const [next] = list.underWay.toSorted((a, b) => a - b);
      if (next !== undefined) list.answer(next);
      await settled();
      expect(list.underWay.length).toBeLessThanOrEqual(concurrency);
    }
    await reading;
    await pages.close();
  });

  test('hands pages out in order, in whatever order they are answered', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.reader, { concurrency: 4, reach: everything });
    await readOn(list, pages, 0, 4);
    for (const offset of list.underWay.toReversed()) list.answer(offset);
    expect(await pages.read(at(4 * STRIDE))).toMatchObject({
      offset: 4 * STRIDE,
      page: { rows: expect.arrayContaining([expect.objectContaining({ activity: -4 * STRIDE })]) },
    });
    await pages.close();
  });

  test.each([101, 198, 199, 297, 1_000])('asks for no page beyond the end of %i rows', async (rows) => {
    const list = new HeldList(rows);
    const pages = new PagesAhead(list.reader, { concurrency: 8, reach: everything });
    const count = 1 + Math.ceil((rows - SIZE) / STRIDE);
    await readOn(list, pages, 0, count);
    await settled();
    expect(list.sent).toEqual(Array.from({ length: count }, (_, page) => page * STRIDE));
    await pages.close();
    expect(list.aborted).toEqual([]);
  });

  test('reads ahead only pages that the walk certainly needs', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.reader, { concurrency: 8, reach: () => 300 });
    await readOn(list, pages, 0, 4);
    await settled();
    expect(list.sent).toEqual([0, 98, 196, 294]);
    await pages.close();
  });

  test('asks only for the seam if a page begins too low, and then continues with that page', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.reader, { concurrency: 4, reach: everything });
    await readOn(list, pages, 0, 4);
    // Five rows vanish above: what stood at 392 stands at 387.
    list.moved = -5;
    const ahead = list.underWay;
    const reading = pages.read(at(4 * STRIDE));
    list.answer(4 * STRIDE);
    await settled();
    const [seam] = list.sent.filter((offset) => offset < 4 * STRIDE && offset > 3 * STRIDE);
    expect(seam).toBe(4 * STRIDE - SIZE / 2);
    list.answer(seam ?? 0);
    expect((await reading).offset).toBe(seam);
    expect(list.aborted).toEqual([]);
    // The seam was read down to the row that stood at 446 at first.
    expect((await pages.read(at(445))).offset).toBe(4 * STRIDE);
    expect(list.sent).toEqual(expect.arrayContaining(ahead));
    expect(new Set(list.sent).size).toBe(list.sent.length);
    await pages.close();
  });

  test('asks at once for all seams between pages that are there', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.reader, { concurrency: 8, reach: everything });
    await readOn(list, pages, 0, 8);
    const [first = 0, ...others] = list.underWay;
    // Each of them is answered after five more rows have vanished.
    for (const offset of others) {
      list.moved -= 5;
      list.answer(offset);
    }
    await settled();
    const seams = list.sent.filter((offset) => offset > first && offset % STRIDE !== 0);
    expect(seams.length).toBeGreaterThanOrEqual(others.length - 1);
    await pages.close();
  });

  test('passes over a page that brings nothing, since the list was pushed down by more than a page', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.reader, { concurrency: 4, reach: everything });
    await readOn(list, pages, 0, 4);
    list.moved = 98;
    const reading = pages.read(at(4 * STRIDE));
    list.answer(4 * STRIDE);
    list.answer(5 * STRIDE);
    expect((await reading).offset).toBe(5 * STRIDE);
    await pages.close();
  });

  test('shows the failure of a page when its turn comes, and asks for nothing below it meanwhile', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.reader, { concurrency: 4, reach: everything });
    await readOn(list, pages, 0, 3);
    list.fail(4 * STRIDE);
    await settled();
    const sent = list.sent.length;
    list.answer(3 * STRIDE);
    expect((await pages.read(at(3 * STRIDE))).offset).toBe(3 * STRIDE);
    await expect(pages.read(at(4 * STRIDE))).rejects.toThrow('page 392 failed');
    expect(list.sent.length).toBe(sent);
    await pages.close();
  });

  test('halves its window when the API pushes back, and grows slowly from there', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.reader, { concurrency: 8, reach: everything });
    await readOn(list, pages, 0, 8);
    list.pushBack(8 * STRIDE);
    // Those under way stay; one more for each window of pages, not for each page.
    const underWay = await readOn(list, pages, 8, 30);
    expect(underWay.slice(0, 10)).toEqual([7, 6, 5, 4, 4, 5, 5, 5, 5, 5]);
    expect(underWay.indexOf(8, 10)).toBe(24);
    await pages.close();
  });

  test('has given up every request, and waited for its end, once it is closed', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.reader, { concurrency: 4, reach: everything });
    await readOn(list, pages, 0, 5);
    const ahead = list.underWay;
    await pages.close();
    expect(list.aborted).toEqual(ahead);
    expect(list.underWay).toEqual([]);
  });
});

test('a place at which the last guess failed is asked for itself, also after the way back to it', async () => {
  const list = new HeldList(10_000);
  const pages = new PagesAhead(list.reader, { concurrency: 1, reach: everything });
  /** Stands where the row of this number stands at `offset`. Returns where the page was asked for. */
  const readAt = async (offset: number, row: number, anchor: number | null = offset): Promise<number> => {
    const page = pages.read({ ...at(row), offset, anchor, isRow: anchor !== null });
    await settled();
    const place = list.sent.at(-1) ?? -1;
    list.answer(place);
    await page;
    return place;
  };
  await readAt(0, 0, null);
  list.moved = 20;
  await readAt(98, 98);
  // From then on the list is at rest.
  expect(await readAt(196, 176)).toBeGreaterThan(196);
  await readAt(150, 130, null);
  expect(await readAt(196, 176)).toBe(196);
});
