import type { Movement } from '../../bench/movement.ts';
import { createRandom, type Random } from '../../src/source/simulated/random.ts';
import type { ListPage, ListRow } from '../../src/source/source.ts';
import { PagesAhead } from '../../src/sync/ahead.ts';
import { newRowsPerPage, type PlacedPage, TOP } from '../../src/sync/reading.ts';
import { walk } from '../../src/sync/walk.ts';
import { idOf, listRow } from './moving-list.ts';

export interface Reading {
  /** What happens to the list before each answer but the first. */
  movement: Movement;
  tasks: number;
  pageSize: number;
  concurrency: number;
  latencyMs: number;
  seed: number;
}

/** What it took to read a list to its end. */
export interface Cost {
  /** Requests for each page that the list has at rest. */
  requestsPerPage: number;
  /** Rows that came more than once, as a share of the list. */
  rowsTwice: number;
  /** On the simulated clock. */
  ms: number;
  /** Why the walk gave up, or something stayed unproven; nothing where all is well. */
  doubts: string[];
  /** Rows that kept their place all the time, and that no page has shown. */
  lost: string[];
}

/** The share of a latency after which the server reads its list, give or take: the order of answers is not that of requests. */
const READ_AT = 0.5;
const JITTER = 0.3;

/** What it takes to store a page, in ms. */
const WORK_MS = 3;

/** Reads a moving list on a simulated clock, as a backfill does. */
export async function readMoving(reading: Reading): Promise<Cost> {
  const { tasks, pageSize, concurrency, latencyMs, seed, movement } = reading;
  const random = createRandom(seed);
  const list = new LiveList(tasks, random);
  const time = new SimulatedTime();
  let requests = 0;
  const read = async (offset: number): Promise<PlacedPage> => {
    requests += 1;
    if (requests > (40 * tasks) / pageSize + 200) throw new Error('the walk does not end');
    await time.wait(latencyMs * (READ_AT + JITTER * (random.next() - 0.5)));
    if (requests > 1) list.move(movement);
    const page = list.page(offset, pageSize);
    await time.wait(latencyMs * (1 - READ_AT + JITTER * (random.next() - 0.5)));
    return { offset, page, asked: pageSize };
  };
  const pages = new PagesAhead({ read, readAround: read }, { concurrency, reach: () => Infinity });
  const shown = new Map<string, number>();
  const doubts: string[] = [];
  const done = (async () => {
    for await (const { page, doubt } of walk((wanted) => pages.read(wanted), TOP)) {
      for (const row of page?.rows ?? []) shown.set(idOf(row), (shown.get(idOf(row)) ?? 0) + 1);
      if (doubt !== null) doubts.push(doubt);
      await time.wait(WORK_MS);
    }
    await pages.close();
  })();
  await time.runUntil(done);
  const twice = [...shown.values()].reduce((sum, count) => sum + count - 1, 0);
  return {
    requestsPerPage: requests / (1 + Math.ceil((tasks - pageSize) / newRowsPerPage(pageSize))),
    rowsTwice: twice / tasks,
    ms: time.now,
    doubts,
    lost: list.still.filter((id) => !shown.has(id)),
  };
}

interface Entry {
  readonly id: string;
  readonly activity: number;
  readonly row: ListRow;
}

function entryOf(id: string, activity: number): Entry {
  return { id, activity, row: listRow(id, activity) };
}

/** To make a list takes longer than to read it, and no reading changes its entries. */
const rested = new Map<number, readonly Entry[]>();

function entriesAtRest(tasks: number): readonly Entry[] {
  const known = rested.get(tasks);
  if (known !== undefined) return known;
  const entries = Array.from({ length: tasks }, (_, i) => entryOf(`r${i}`, (tasks - i) * 1_000));
  rested.set(tasks, entries);
  return entries;
}

class LiveList {
  readonly #random: Random;
  #entries: Entry[];
  #still: Set<string>;
  #now: number;
  #made = 0;

  constructor(tasks: number, random: Random) {
    this.#random = random;
    this.#now = tasks * 1_000;
    this.#entries = [...entriesAtRest(tasks)];
    this.#still = new Set(this.#entries.map(({ id }) => id));
  }

  /** Rows that were there from the start, and have not moved. */
  get still(): string[] {
    return [...this.#still];
  }

  move({ created = 0, active = 0, vanishing = 0, sinking = 0 }: Movement): void {
    for (let i = 0; i < created; i += 1) this.#toTop(`n${(this.#made += 1)}`);
    for (let i = 0; i < active; i += 1) this.#toTop(this.#take().id);
    for (let i = 0; i < vanishing; i += 1) this.#take();
    for (let i = 0; i < sinking; i += 1) {
      const { id, activity } = this.#take();
      const lower = activity - this.#random.int(1, 100_000);
      const place = this.#entries.findIndex((entry) => entry.activity < lower);
      this.#entries.splice(place < 0 ? this.#entries.length : place, 0, entryOf(id, lower));
    }
  }

  page(offset: number, size: number): ListPage {
    const rows = this.#entries.slice(offset, offset + size).map(({ row }) => row);
    const total = this.#entries.length;
    return { rows, total, hasMore: offset + size < total, servedAt: null };
  }

  #toTop(id: string): void {
    this.#now += 1_000;
    this.#entries.unshift(entryOf(id, this.#now));
  }

  #take(): Entry {
    const [entry] = this.#entries.splice(this.#random.int(0, this.#entries.length - 1), 1);
    if (entry === undefined) throw new Error('the list is empty');
    this.#still.delete(entry.id);
    return entry;
  }
}

class SimulatedTime {
  now = 0;
  #waiting: { until: number; wake: () => void }[] = [];

  wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ until: this.now + ms, wake: resolve });
    return promise;
  }

  /** Lets time go by, from one end of a wait to the next, until `done` is. */
  async runUntil(done: Promise<void>): Promise<void> {
    let isDone = false;
    const end = done.finally(() => (isDone = true));
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (isDone) return end;
      const next = this.#waiting.reduce((first, one) => (one.until < first.until ? one : first));
      this.#waiting = this.#waiting.filter((one) => one !== next);
      this.now = next.until;
      next.wake();
    }
  }
}
