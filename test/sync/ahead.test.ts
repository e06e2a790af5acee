import { describe, expect, test } from 'vitest';
import type { ListPage } from '../../src/ports.ts';
import { PagesAhead, type ReadPage } from '../../src/sync/ahead.ts';
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

  readonly read: ReadPage = async (offset, { signal, onPushback }) => {
    this.sent.push(offset);
    const answer = Promise.withResolvers<ListPage>();
    this.#waiting.set(offset, answer);
    this.#pushbacks.set(offset, onPushback);
    signal.addEventListener('abort', () => {
      this.aborted.push(offset);
      answer.reject(signal.reason);
    });
    return answer.promise;
  };

  /** Requests that are neither answered nor given up. */
  get underWay(): number[] {
    return [...this.#waiting.keys()].filter((offset) => !this.aborted.includes(offset));
  }

  answer(offset: number): void {
    const to = Math.min(this.#rows, offset + SIZE);
    const rows = Array.from({ length: to - offset }, (_, i) => listRow(`r${offset + i}`, -(offset + i)));
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

const everything = () => Infinity;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Reads page after page, each answered when the walk waits for it; returns how many were under way with each. */
async function readOn(list: HeldList, pages: PagesAhead, from: number, count: number): Promise<number[]> {
  const underWay: number[] = [];
  for (let page = from; page < from + count; page += 1) {
    const reading = pages.read(page * STRIDE);
    underWay.push(list.underWay.length);
    if (list.underWay.includes(page * STRIDE)) list.answer(page * STRIDE);
    await reading;
  }
  return underWay;
}

describe('reading ahead', () => {
  test('begins with one request, and grows with each page up to the concurrency', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.read, { concurrency: 4, reach: everything });
    expect(await readOn(list, pages, 0, 6)).toEqual([1, 2, 3, 4, 4, 4]);
    expect(list.sent).toEqual(list.sent.toSorted((a, b) => a - b));
    await pages.close();
  });

  test.each([1, 2, 5, 8])('never has more requests under way than %i', async (concurrency) => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.read, { concurrency, reach: everything });
    const underWay = await readOn(list, pages, 0, 20);
    expect(Math.max(...underWay)).toBe(concurrency);
    // One more page in between, as ties ask for it, takes the place of another.
    const reading = pages.read(20 * STRIDE - 1);
    expect(list.underWay.length).toBe(concurrency);
    list.answer(20 * STRIDE - 1);
    await reading;
    await pages.close();
  });

  test('hands pages out in order, in whatever order they are answered', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.read, { concurrency: 4, reach: everything });
    await readOn(list, pages, 0, 4);
    for (const offset of list.underWay.toReversed()) list.answer(offset);
    const { offset, page } = await pages.read(4 * STRIDE);
    expect([offset, page.rows[0]?.task?.id]).toEqual([4 * STRIDE, `r${4 * STRIDE}`]);
    await pages.close();
  });

  test.each([101, 198, 199, 297, 1_000])('asks for no page beyond the end of %i rows', async (rows) => {
    const list = new HeldList(rows);
    const pages = new PagesAhead(list.read, { concurrency: 8, reach: everything });
    const count = 1 + Math.ceil((rows - SIZE) / STRIDE);
    await readOn(list, pages, 0, count);
    await settled();
    expect(list.sent).toEqual(Array.from({ length: count }, (_, page) => page * STRIDE));
    await pages.close();
    expect(list.aborted).toEqual([]);
  });

  test('asks for nothing ahead of what the walk certainly needs', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.read, { concurrency: 8, reach: () => 300 });
    await readOn(list, pages, 0, 4);
    await settled();
    expect(list.sent).toEqual([0, 98, 196, 294]);
    await pages.close();
  });

  test('throws away what was read ahead once the walk goes back, and begins with one request again', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.read, { concurrency: 4, reach: everything });
    await readOn(list, pages, 0, 4);
    const ahead = list.underWay;
    const reading = pages.read(3 * STRIDE - 1);
    expect(list.aborted).toEqual(ahead);
    expect(list.underWay).toEqual([3 * STRIDE - 1]);
    list.answer(3 * STRIDE - 1);
    expect((await reading).offset).toBe(3 * STRIDE - 1);
    await pages.close();
  });

  test('keeps what was read ahead where ties move the next page: one more page, then the others fit', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.read, { concurrency: 4, reach: everything });
    await readOn(list, pages, 0, 4);
    const between = pages.read(4 * STRIDE - 1);
    list.answer(4 * STRIDE - 1);
    expect((await between).offset).toBe(4 * STRIDE - 1);
    const after = pages.read(5 * STRIDE - 1);
    list.answer(4 * STRIDE);
    expect((await after).offset).toBe(4 * STRIDE);
    expect(list.sent.filter((offset) => offset === 4 * STRIDE)).toHaveLength(1);
    await pages.close();
  });

  test('shows the failure of a page when its turn comes, and asks for nothing below it meanwhile', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.read, { concurrency: 4, reach: everything });
    await readOn(list, pages, 0, 3);
    list.fail(4 * STRIDE);
    await settled();
    const sent = list.sent.length;
    list.answer(3 * STRIDE);
    expect((await pages.read(3 * STRIDE)).offset).toBe(3 * STRIDE);
    await expect(pages.read(4 * STRIDE)).rejects.toThrow('page 392 failed');
    expect(list.sent.length).toBe(sent);
    await pages.close();
  });

  test('halves its window when the API pushes back, and grows slowly from there', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.read, { concurrency: 8, reach: everything });
    await readOn(list, pages, 0, 8);
    list.pushBack(8 * STRIDE);
    // Those under way stay; one more for each window of pages, not for each page.
    const underWay = await readOn(list, pages, 8, 30);
    expect(underWay.slice(0, 10)).toEqual([8, 7, 6, 5, 5, 5, 5, 5, 5, 6]);
    expect(underWay.indexOf(8, 10)).toBe(23);
    await pages.close();
  });

  test('has given up every request, and waited for its end, once it is closed', async () => {
    const list = new HeldList(100_000);
    const pages = new PagesAhead(list.read, { concurrency: 4, reach: everything });
    await readOn(list, pages, 0, 5);
    const ahead = list.underWay;
    await pages.close();
    expect(list.aborted).toEqual(ahead);
    expect(list.underWay).toEqual([]);
  });
});
