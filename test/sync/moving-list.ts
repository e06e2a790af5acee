import * as fc from 'fast-check';
import { createRandom } from '../../src/source/simulated/random.ts';
import type { ListPage, ListRow } from '../../src/source/source.ts';
import { type Position, TOP } from '../../src/sync/reading.ts';
import { at, completedTask, EPOCH } from '../support/tasks.ts';

/** A row as the API lists it; `activity` null: its lastActivityAt cannot be read. */
export function listRow(id: string, activity: number | null): ListRow {
  if (activity === null) return { activity, rejected: { id, payload: `{"id":"${id}"}`, reason: 'spoilt' } };
  const task = {
    ...completedTask(id, EPOCH),
    lastActivityAt: at(EPOCH + activity),
    env: null,
    extra: null,
  };
  return { activity, task };
}

export function idOf(row: ListRow): string {
  return row.task?.id ?? row.rejected?.id ?? '';
}

/** `kept`: ties keep their order; `shuffled`: they come in another order with every page. */
export type TieOrder = 'kept' | 'shuffled';

/** Something that happens to the list between two requests. */
export interface Move {
  kind: 'insert' | 'active' | 'vanish' | 'sink' | 'late';
  /** How many rows in a row. */
  count: number;
  /** Where: rows from the place that was read last, or a share (0 to 999) of the whole list. */
  from: { rows: number } | { share: number };
  /** How far a row sinks: thousands are the distance between two groups, so ties come about as well. */
  depth: number;
}

export interface History {
  /** Rows of each activity, newest first; more than one are ties. */
  groups: number[];
  /** Places whose rows have no activity that can be read. */
  unreadable: number[];
  /** Rows a page: one for each request, over and over. */
  sizes: number[];
  /** What happens before the second request, the third, ... */
  moves: Move[][];
  /** Where the walk begins: at the top, or seeking below some group. */
  start: { offset: number; group: number } | null;
  /** The API counts this many more than the list shows. */
  surplus: number;
  seed: number;
}

const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom('insert', 'active', 'vanish', 'sink', 'late'),
  count: fc.integer({ min: 1, max: 4 }),
  from: fc.oneof(
    fc.record({ rows: fc.integer({ min: -6, max: 8 }) }),
    fc.record({ share: fc.integer({ min: 0, max: 999 }) }),
  ),
  depth: fc.constantFrom(1, 300, 1_000, 2_000, 5_001),
});

/** Hostile histories. `largest` says how many ties there may be, given the smallest page. */
export function histories(options: {
  largest: (smallestPage: number) => number;
  moves: boolean;
  unreadable: boolean;
}): fc.Arbitrary<History> {
  return fc.array(fc.integer({ min: 3, max: 10 }), { minLength: 1, maxLength: 3 }).chain((sizes) =>
    fc.record({
      sizes: fc.constant(sizes),
      groups: fc.array(
        fc.oneof(
          { weight: 3, arbitrary: fc.constant(1) },
          { weight: 1, arbitrary: fc.integer({ min: 1, max: options.largest(Math.min(...sizes)) }) },
        ),
        { minLength: 1, maxLength: 12 },
      ),
      unreadable: fc.array(fc.nat(60), { maxLength: options.unreadable ? 8 : 0 }),
      moves: fc.array(fc.array(move, { maxLength: 3 }), { maxLength: options.moves ? 25 : 0 }),
      start: fc.option(fc.record({ offset: fc.nat(40), group: fc.nat(12) })),
      surplus: fc.nat(2),
      seed: fc.integer({ min: 1, max: 1_000_000 }),
    }),
  );
}

interface Entry {
  id: string;
  /** What the API sorts by, whether it can be read or not. */
  activity: number;
  readable: boolean;
  /** Place among its ties, where those keep their order. */
  place: number;
}

const GROUP_MS = 1_000;

/** A list that moves by a history while it is read, and knows which rows have never moved. */
export class MovingList {
  readonly #history: History;
  readonly #order: TieOrder;
  readonly #random;
  readonly #shown = new Set<string>();
  #still: Entry[];
  #entries: Entry[] = [];
  #made = 0;
  #now = 1_000_000;
  #requests = 0;
  #lastOffset = 0;
  #mostTies = 0;

  constructor(history: History, order: TieOrder) {
    this.#history = history;
    this.#order = order;
    this.#random = createRandom(history.seed);
    const { groups, unreadable } = history;
    for (const [i, count] of groups.entries()) {
      for (let n = 0; n < count; n += 1) {
        this.#add((groups.length - i) * GROUP_MS, !unreadable.includes(this.#made));
      }
    }
    this.#still = [...this.#entries];
  }

  /** Where the history has the walk begin. */
  get start(): Position {
    const { start } = this.#history;
    if (start === null) return TOP;
    const frontier = start.group * GROUP_MS;
    return { offset: start.offset, frontier, proven: frontier };
  }

  /** Whether at every request so far all ties, with a row above and one below, fitted into the smallest page. */
  get tiesFit(): boolean {
    return this.#mostTies + 2 <= Math.min(...this.#history.sizes);
  }

  /** Moves the list on, and answers. Throws once there were far more requests than any walk needs. */
  page(offset: number): ListPage {
    const { sizes, moves, surplus } = this.#history;
    if (this.#requests > 0) for (const step of moves[this.#requests - 1] ?? []) this.#move(step);
    const size = sizes[this.#requests % sizes.length] ?? 1;
    this.#requests += 1;
    if (this.#requests > 2_000) throw new Error('the walk does not end');
    this.#lastOffset = offset;
    this.#sort();
    const groups = Map.groupBy(this.#entries, ({ activity }) => activity);
    this.#mostTies = Math.max(this.#mostTies, ...[...groups.values()].map(({ length }) => length));
    const entries = this.#entries.slice(offset, offset + size);
    for (const { id } of entries) this.#shown.add(id);
    return {
      rows: entries.map(({ id, activity, readable }) => listRow(id, readable ? activity : null)),
      total: this.#entries.length + surplus,
      hasMore: offset + size < this.#entries.length,
      servedAt: null,
    };
  }

  /** Rows in above < activity <= upTo that were there from the start, have not moved, and that no page has shown. */
  skipped({ above, upTo }: { above: number; upTo: number }): string[] {
    return this.#still
      .filter(({ id, activity }) => activity > above && activity <= upTo && !this.#shown.has(id))
      .map(({ id }) => id);
  }

  #add(activity: number, readable: boolean): void {
    this.#made += 1;
    this.#entries.push({ id: `r${this.#made}`, activity, readable, place: this.#made });
  }

  #move({ kind, count, from, depth }: Move): void {
    const wanted =
      'rows' in from ? this.#lastOffset + from.rows : Math.floor((from.share / 1_000) * this.#entries.length);
    const first = Math.max(0, Math.min(this.#entries.length - 1, wanted));
    const hit = this.#entries.slice(first, first + count);
    if (kind === 'insert') for (let i = 0; i < count; i += 1) this.#add((this.#now += 1), true);
    else if (kind === 'late') for (const { activity } of hit) this.#add(activity + (depth % 2), true);
    else {
      this.#entries = this.#entries.filter((entry) => !hit.includes(entry));
      this.#still = this.#still.filter((entry) => !hit.includes(entry));
      for (const entry of hit) {
        if (kind === 'active') this.#entries.push({ ...entry, activity: (this.#now += 1) });
        if (kind === 'sink') this.#entries.push({ ...entry, activity: entry.activity - depth });
      }
    }
    this.#sort();
  }

  #sort(): void {
    const entries = this.#order === 'shuffled' ? this.#random.shuffle(this.#entries) : this.#entries;
    const byPlace = this.#order === 'kept';
    this.#entries = entries.toSorted((a, b) => b.activity - a.activity || (byPlace ? a.place - b.place : 0));
  }
}
