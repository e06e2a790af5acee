import { createRandom } from './random.ts';
import type { Random } from './random.ts';

/** A task as the list of the Tasks API sends it (docs.sigmic.ai, tasks/list). Times are ISO text in UTC. */
export interface ApiTask {
  id: string;
  apiKeyId: string;
  username: string;
  sessionId: string;
  conversationId: string;
  status: string;
  message: string;
  systemPrompt: string | null;
  showInHistory: boolean;
  autoExecute: boolean;
  env: Record<string, unknown> | null;
  error: string | null;
  createdAt: string;
  startedAt: string | null;
  completedAt: string | null;
  lastActivityAt: string;
  messageCount: number;
}

/** One answer of the list, without its envelope. `limit` is the one that was applied. */
export interface ApiPage {
  data: ApiTask[];
  pagination: { total: number; limit: number; offset: number; hasMore: boolean };
}

/**
 * The order of tasks with the same activity, which the API leaves open. `stable`: the one put last comes
 * first; `reversed`: it comes last; `shuffled`: another order for each page.
 */
export type TieOrder = 'stable' | 'reversed' | 'shuffled';

interface Entry {
  task: ApiTask;
  activity: number;
  sequence: number;
}

/**
 * The tasks behind one key, newest activity first, which the simulated API serves.
 *
 * Works with a million tasks: reading a page costs its rows; put and remove cost a binary search and a move
 * of memory. Tasks are handed out and taken in as they are, not copied: to change one, put a changed copy.
 */
export class SimulatedList {
  readonly #entries: Entry[];
  readonly #byId = new Map<string, Entry>();
  readonly #tieOrder: TieOrder;
  readonly #random: Random;
  #puts = 0;

  /**
   * Creates the list as if the tasks were put one after the other, but sorts only once. `seed` drives the
   * shuffled order. Throws RangeError if a task's lastActivityAt is not a time.
   */
  constructor(tasks: Iterable<ApiTask> = [], options: { tieOrder?: TieOrder; seed?: number } = {}) {
    this.#tieOrder = options.tieOrder ?? 'stable';
    this.#random = createRandom(options.seed ?? 1);
    for (const task of tasks) this.#byId.set(task.id, this.#entryOf(task));
    this.#entries = [...this.#byId.values()].toSorted(
      (a, b) => b.activity - a.activity || b.sequence - a.sequence,
    );
  }

  get size(): number {
    return this.#entries.length;
  }

  /**
   * Inserts the task, or replaces the one with its id. A task whose activity stays the same keeps its place
   * among its ties. Throws RangeError if lastActivityAt is not a time.
   */
  put(task: ApiTask): void {
    const entry = this.#entryOf(task);
    const known = this.#byId.get(task.id);
    if (known?.activity === entry.activity) {
      known.task = task;
      return;
    }
    this.remove(task.id);
    this.#byId.set(task.id, entry);
    this.#entries.splice(this.#position(entry.activity, entry.sequence), 0, entry);
  }

  /** Removes the task; returns false if there was none with this id. */
  remove(id: string): boolean {
    const entry = this.#byId.get(id);
    if (entry === undefined) return false;
    this.#byId.delete(id);
    this.#entries.splice(this.#position(entry.activity, entry.sequence), 1);
    return true;
  }

  find(id: string): ApiTask | undefined {
    return this.#byId.get(id)?.task;
  }

  /** Returns the task at this place, 0 being the newest, in the order of `all`. */
  at(index: number): ApiTask | undefined {
    return this.#entries[index]?.task;
  }

  /** Returns rows `offset` to `offset + limit`, at most `maxLimit`. Expects whole numbers of 0 or more. */
  page(request: { limit: number; offset: number; maxLimit?: number }): ApiPage {
    const limit = Math.min(request.limit, request.maxLimit ?? 100);
    const end = request.offset + limit;
    const entries =
      this.#tieOrder === 'shuffled'
        ? this.#shuffledSlice(request.offset, end)
        : this.#entries.slice(request.offset, end);
    return {
      data: entries.map((entry) => entry.task),
      pagination: { total: this.size, limit, offset: request.offset, hasMore: end < this.size },
    };
  }

  /** Returns all tasks in order. Shuffled ties are in the order of `stable`. */
  all(): ApiTask[] {
    return this.#entries.map((entry) => entry.task);
  }

  #entryOf(task: ApiTask): Entry {
    const activity = Date.parse(task.lastActivityAt);
    if (Number.isNaN(activity)) {
      throw new RangeError(`Task ${task.id}: lastActivityAt is not a time: ${task.lastActivityAt}`);
    }
    this.#puts += 1;
    return { task, activity, sequence: this.#tieOrder === 'reversed' ? -this.#puts : this.#puts };
  }

  /** Returns the first place whose entry does not come before (activity, sequence). */
  #position(activity: number, sequence: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      const comesBefore =
        entry !== undefined &&
        (entry.activity > activity || (entry.activity === activity && entry.sequence > sequence));
      if (comesBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Returns a slice after shuffling, as a whole, every group of ties that it touches, even with only one row.
   */
  #shuffledSlice(start: number, end: number): Entry[] {
    const slice: Entry[] = [];
    let entry = this.#entries[start];
    while (entry !== undefined && start + slice.length < end) {
      const first = this.#position(entry.activity, Infinity);
      const next = this.#position(entry.activity, -Infinity);
      const group = this.#random.shuffle(this.#entries.slice(first, next));
      slice.push(...group.slice(start + slice.length - first, end - first));
      entry = this.#entries[next];
    }
    return slice;
  }
}
