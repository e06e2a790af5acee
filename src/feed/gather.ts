import { setImmediate } from 'node:timers/promises';
import { matchesEvent } from '../model/hook-events.ts';
import { type HookRules, LAST_RANK } from '../model/hook.ts';
import type { Feed } from '../store/feed.ts';
import type { HookPlace, HookStore } from '../store/hooks.ts';
import { comparePlaces, eventsOf, sinceOf, type TaskEvent } from './events.ts';

/** Tasks that are read at once: their texts may be long. */
const PAGE = 100;

export interface GatherDeps {
  feed: Pick<Feed, 'head' | 'read'>;
  store: Pick<HookStore, 'backfills' | 'isNewErrorGroup'>;
}

/** Which events of tasks a hook may be told now. */
export interface Wanted {
  place: Pick<HookPlace, 'seq' | 'rank'>;
  /** Only events up to this change. */
  until: number;
  /** Most events to keep; the others are only counted. */
  keep: number;
  /** The time, in ms. */
  now: number;
}

/** The events of tasks that a hook has to be told. */
export interface Gathered {
  /** The first of them that are due, in order. */
  events: TaskEvent[];
  /** How many are due, by type and by source. */
  total: number;
  counts: Record<string, number>;
  sources: Record<string, number>;
  /** When the last of them was observed, UTC text. */
  lastAt: string;
  /** The change up to which nothing else is to be told. */
  horizon: number;
  /** When the first event was observed that is not due, in ms; null if all are due. */
  blockedSince: number | null;
}

/**
 * Reads what changed since a place, to the end, and makes events of it. Everything has to be read before the
 * first event is known: the feed is in the order of each task's last change. Asks `mayGoOn` before each page, and
 * returns null once it may not. Throws DatabaseError.
 */
export async function gather(
  rules: HookRules,
  wanted: Wanted,
  { feed, store }: GatherDeps,
  mayGoOn: () => Promise<boolean>,
): Promise<Gathered | null> {
  const since = sinceOf(wanted.place);
  const pile = new Pile(wanted.keep);
  let blocked: TaskEvent | null = null;
  let horizon = Math.min(await feed.head(), wanted.until);
  for (let after = since; ;) {
    if (!(await mayGoOn())) return null;
    const page = await feed.read({ since, after, limit: PAGE, sources: rules.sources });
    // Read afterwards: a backfill that ends in between has brought what this page shows.
    const quiet = await store.backfills();
    for (const change of page) {
      for (const event of eventsOf(change, since)) {
        if (event.seq > wanted.until || comparePlaces(event, wanted.place) <= 0) continue;
        if (!matchesEvent(rules.events, event.type) || isQuiet(event, quiet)) continue;
        if (rules.afterMs > 0 && event.isPast) continue;
        if (!isDue(event.at, rules.afterMs, wanted.now)) {
          if (blocked === null || comparePlaces(event, blocked) < 0) blocked = event;
        } else if (await isNews(event, store)) pile.add(event);
      }
    }
    const last = page.at(-1)?.seq;
    if (last === undefined) break;
    horizon = Math.max(horizon, Math.min(last, wanted.until));
    after = last;
    // SQLite works in this thread: let other work run, such as the lease of a run.
    await setImmediate();
  }
  if (blocked === null) return { ...pile.found(), horizon, blockedSince: null };
  const blockedSince = Date.parse(blocked.at);
  horizon = Math.min(horizon, blocked.seq - 1);
  if (pile.last <= horizon) return { ...pile.found(), horizon, blockedSince };
  // By a clock that was set back, or of another host, events are due before an earlier one is.
  const earlier = await gather(rules, { ...wanted, until: horizon }, { feed, store }, mayGoOn);
  return earlier === null ? null : { ...earlier, blockedSince };
}

/** The clock of another host may be ahead by so much, in ms. */
const SKEW_MS = 60_000;

/**
 * Returns whether what was observed at a moment, UTC text, has waited for so long. What was observed in the future,
 * before a clock was set back, does not wait until then.
 */
export function isDue(at: string, afterMs: number, now: number): boolean {
  const agoMs = now - Date.parse(at);
  return afterMs === 0 || agoMs >= afterMs || agoMs < -SKEW_MS;
}

/** A source's first backfill is told to nobody; `quiet`: until when it lasted, null while it lasts. */
function isQuiet({ at, change }: TaskEvent, quiet: ReadonlyMap<string, string | null>): boolean {
  const through = quiet.get(change.source);
  return through !== undefined && (through === null || at <= through);
}

async function isNews(event: TaskEvent, store: GatherDeps['store']): Promise<boolean> {
  if (event.errorGroup === null) return true;
  return store.isNewErrorGroup(event.errorGroup, { id: event.change.taskId, seq: event.seq });
}

/** Keeps the first events, and counts them all. A task that was read twice has each event once. */
class Pile {
  readonly #keep: number;
  readonly #counts = new Map<string, number>();
  readonly #sources = new Map<string, number>();
  #events = new Map<string, TaskEvent>();
  #total = 0;
  #lastAt = '';
  #last = 0;

  constructor(keep: number) {
    this.#keep = keep;
  }

  /** The number of the last change of which it has an event; 0 if it has none. */
  get last(): number {
    return this.#last;
  }

  add(event: TaskEvent): void {
    const key = `${event.seq} ${event.rank}`;
    if (!this.#events.has(key)) {
      const { source } = event.change;
      this.#total += 1;
      this.#counts.set(event.type, (this.#counts.get(event.type) ?? 0) + 1);
      this.#sources.set(source, (this.#sources.get(source) ?? 0) + 1);
      if (event.at > this.#lastAt) this.#lastAt = event.at;
      this.#last = Math.max(this.#last, event.seq);
    }
    this.#events.set(key, event);
    if (this.#events.size > 2 * this.#keep) this.#events = new Map(this.#sorted().slice(0, this.#keep));
  }

  found(): Omit<Gathered, 'horizon' | 'blockedSince'> {
    return {
      events: this.#sorted()
        .slice(0, this.#keep)
        .map(([, event]) => event),
      total: this.#total,
      counts: Object.fromEntries(this.#counts),
      sources: Object.fromEntries(this.#sources),
      lastAt: this.#lastAt,
    };
  }

  #sorted(): [string, TaskEvent][] {
    return [...this.#events].toSorted(([, a], [, b]) => comparePlaces(a, b));
  }
}

/**
 * Returns the place after an event: within its change if the next event is of the same change, and if it is not
 * known which one is next.
 */
export function placeAfter(event: TaskEvent, next?: TaskEvent): Pick<HookPlace, 'seq' | 'rank'> {
  const isDone = next !== undefined && next.seq !== event.seq;
  return { seq: event.seq, rank: isDone ? LAST_RANK : event.rank };
}
