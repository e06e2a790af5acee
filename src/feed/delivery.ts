import { matchesEvent } from '../model/hook-events.ts';
import { type HookRules, LAST_RANK, lastRunSeen } from '../model/hook.ts';
import { HOOK_RENEW_MS } from '../model/lease.ts';
import type { Feed } from '../store/feed.ts';
import type { HookClaim, HookPlace, HookState, HookStore } from '../store/hooks.ts';
import { type AttemptDeps, Attempts, type Item } from './attempts.ts';
import { comparePlaces, type TaskEvent } from './events.ts';
import { gather, type Gathered, isDue, placeAfter } from './gather.ts';
import { digestMessage, runMessage, taskMessage } from './message.ts';
import { runEventsOf } from './run-events.ts';
import type { Send } from './sender.ts';

/** A hook, and the way to it. */
export interface Hook {
  rules: HookRules;
  send: Send;
}

export interface DeliveryDeps extends AttemptDeps {
  feed: Pick<Feed, 'head' | 'read'>;
  store: HookStore;
}

/** What a pass came to. */
export interface Pass {
  /** Events delivered; a digest is one. */
  delivered: number;
  /** When to look again though nothing changes, in ms; null: never, `now`: at once. */
  nextAt: number | null;
  /** An event at this place is not due before `nextAt`: nothing else can be told before. */
  blockedAt: Pick<HookPlace, 'seq' | 'rank'> | null;
}

const IDLE: Pass = { delivered: 0, nextAt: null, blockedAt: null };

/** When to look again after another process, in ms: it may die. */
const HELD_MS = 10_000;
/** Most events of a replay in one pass, and most runs that are looked at. */
const AT_ONCE = 1_000;
/** A moment of the database so far ahead, in ms, is from before a clock was set back. */
const LONGEST_WAIT_MS = 2 * 86_400_000;

/**
 * Tells a hook what has happened since its place: events of tasks by the number of their change, then events of
 * sources. Its place is durable after each. `before`: the last pass; if that is still blocked, nothing is read.
 * Throws DatabaseError, and the signal's reason; then the event under way may have arrived, and is told again
 * with the same id.
 */
export async function deliver(
  hook: Hook,
  deps: DeliveryDeps,
  signal: AbortSignal,
  before: Pass = IDLE,
): Promise<Pass> {
  const { name } = hook.rules;
  const [state] = await deps.store.states([name]);
  if (state === undefined) return IDLE;
  const now = deps.clock.now();
  const pausedUntil = endOfPause(state, now);
  if (pausedUntil !== null) return { ...IDLE, nextAt: pausedUntil };
  if (isStillBlocked(before, state, now)) return before;
  if (!(await hasNews(state, deps))) return IDLE;
  const claim = await deps.store.claim(name);
  if (claim === null) return { ...IDLE, nextAt: now + HELD_MS };
  try {
    // Another process may have tried, and failed, since the state was read.
    const nextAt = endOfPause(claim.state, now);
    return nextAt === null ? await new Delivery(hook, claim, deps, signal).pass() : { ...IDLE, nextAt };
  } finally {
    // If this fails, the lease ends by itself.
    await claim.release().catch(() => undefined);
  }
}

/** Returns when the pause after an attempt that failed is over, in ms; null: there is none. */
function endOfPause({ nextAttemptAt }: HookState, now: number): number | null {
  const at = nextAttemptAt === null ? 0 : Date.parse(nextAttemptAt);
  return at > now && at <= now + LONGEST_WAIT_MS ? at : null;
}

function isStillBlocked({ blockedAt, nextAt }: Pass, { place }: HookState, now: number): boolean {
  if (blockedAt === null || nextAt === null || nextAt <= now) return false;
  return blockedAt.seq === place.seq && blockedAt.rank === place.rank;
}

async function hasNews({ place }: HookState, { feed, store }: DeliveryDeps): Promise<boolean> {
  if (place.rank < LAST_RANK || (await feed.head()) > place.seq) return true;
  return Object.entries(await store.lastRuns()).some(([source, id]) => id > lastRunSeen(place.runs, source));
}

/** One pass over what a hook has not been told yet, under its lease. */
class Delivery {
  readonly #hook: Hook;
  readonly #claim: HookClaim;
  readonly #deps: DeliveryDeps;
  readonly #signal: AbortSignal;
  readonly #attempts: Attempts;
  #place: HookPlace;
  #delivered = 0;
  #renewedAt: number;

  constructor(hook: Hook, claim: HookClaim, deps: DeliveryDeps, signal: AbortSignal) {
    this.#hook = hook;
    this.#claim = claim;
    this.#deps = deps;
    this.#signal = signal;
    this.#attempts = new Attempts(claim, hook.send, deps);
    this.#place = claim.state.place;
    this.#renewedAt = deps.clock.now();
  }

  async pass(): Promise<Pass> {
    const ofTasks = await this.#tellOfTasks();
    if (ofTasks.isOver) return this.#ended(ofTasks.nextAt);
    const blockedAt = ofTasks.nextAt === null ? null : { seq: this.#place.seq, rank: this.#place.rank };
    const ofRuns = await this.#tellOfRuns();
    const times = [ofTasks.nextAt, ofRuns.nextAt].filter((time) => time !== null);
    const nextAt = times.length === 0 ? null : Math.min(...times);
    return { ...this.#ended(nextAt), blockedAt: ofRuns.isOver ? null : blockedAt };
  }

  #ended(nextAt: number | null): Pass {
    return { delivered: this.#delivered, nextAt, blockedAt: null };
  }

  async #tellOfTasks(): Promise<Part> {
    const { rules } = this.#hook;
    const { replayThrough, digestThrough } = this.#claim.state;
    const isReplay = this.#place.seq < replayThrough;
    const until = digestThrough > 0 ? digestThrough : isReplay ? replayThrough : Infinity;
    const keep = isReplay ? AT_ONCE : rules.maxPerRun;
    const now = this.#deps.clock.now();
    const wanted = { place: this.#place, until, keep, now };
    const found = await gather(rules, wanted, this.#deps, () => this.#keepLease());
    if (found === null) return LOST;
    const isDigest = digestThrough > 0 || (!isReplay && found.total > rules.maxPerRun);
    const isCut = !isDigest && found.total > found.events.length;
    const items = !isDigest ? this.#itemsOf(found, isCut) : found.total === 0 ? [] : [this.#digestOf(found)];
    if (isDigest && digestThrough === 0 && !(await this.#claim.beginDigest(found.horizon))) return LOST;
    const told = await this.#tell(items);
    if (told.isOver) return told;
    const end = { ...this.#place, ...endOf(found) };
    if (!isCut && comparePlaces(end, this.#place) > 0) await this.#skipTo(end);
    const nextAt = found.blockedSince === null ? null : found.blockedSince + rules.afterMs;
    // There may be more after what was read.
    const isMore = isCut || (until < Infinity && nextAt === null);
    return isMore ? { isOver: true, nextAt: this.#deps.clock.now() } : { isOver: false, nextAt };
  }

  #digestOf(found: Gathered): Item {
    const { rules } = this.#hook;
    const { horizon: through, lastAt, total: events, counts, sources } = found;
    const at = lastAt === '' ? new Date(this.#deps.clock.now()).toISOString() : lastAt;
    const digest = { since: this.#place.seq, through, at, events, counts, sources };
    return {
      message: digestMessage(rules.name, digest),
      place: { ...this.#place, ...endOf(found) },
      dueAt: Date.parse(at) + rules.afterMs,
      failure: { seq: through, source: null, taskId: null },
    };
  }

  #itemsOf(found: Gathered, isCut: boolean): Item[] {
    const { name, afterMs } = this.#hook.rules;
    const { events } = found;
    return events.map((event, index) => {
      const next: TaskEvent | undefined = events[index + 1];
      // The last one also passes what comes after it and is to be told to nobody.
      const after = next === undefined && !isCut ? endOf(found) : placeAfter(event, next);
      return {
        message: taskMessage(name, event),
        place: { ...this.#place, ...after },
        dueAt: Date.parse(event.at) + afterMs,
        failure: { seq: event.seq, source: event.change.source, taskId: event.change.taskId },
      };
    });
  }

  async #tellOfRuns(): Promise<Part> {
    const { rules } = this.#hook;
    const before = this.#place.runs;
    const runs = await this.#deps.store.settledRuns(before, AT_ONCE);
    const ofThese = ({ source }: { source: string }): boolean =>
      rules.sources.length === 0 || rules.sources.includes(source);
    const wanted = runEventsOf(runs, before).filter(
      ({ type, run, isPast }) =>
        matchesEvent(rules.events, type) && ofThese(run) && !(rules.afterMs > 0 && isPast),
    );
    const now = this.#deps.clock.now();
    const blocked = wanted.find(({ at }) => !isDue(at, rules.afterMs, now));
    const due = wanted.slice(0, blocked === undefined ? wanted.length : wanted.indexOf(blocked));
    const seen = (through: number): HookPlace => ({
      ...this.#place,
      runs: {
        ...this.#place.runs,
        ...lastIds(
          runs.filter(({ id }) => id <= through),
          before,
        ),
      },
    });
    const items = due.map((event): Item => ({
      message: runMessage(rules.name, event),
      place: seen(event.run.id),
      dueAt: Date.parse(event.at) + rules.afterMs,
      failure: { seq: null, source: event.run.source, taskId: null },
    }));
    const told = await this.#tell(items);
    if (told.isOver) return told;
    const end = seen((blocked?.run.id ?? Infinity) - 1);
    const isMore = runs.length === AT_ONCE && JSON.stringify(end.runs) !== JSON.stringify(before);
    if (JSON.stringify(end.runs) !== JSON.stringify(this.#place.runs)) await this.#skipTo(end);
    if (blocked !== undefined) return { isOver: false, nextAt: Date.parse(blocked.at) + rules.afterMs };
    return { isOver: false, nextAt: isMore ? now : null };
  }

  async #tell(items: readonly Item[]): Promise<Part> {
    for (const item of items) {
      this.#signal.throwIfAborted();
      const attempted = await this.#attempts.make(item, this.#signal);
      if (attempted.end === 'lost') return LOST;
      if (attempted.end === 'paused') return { isOver: true, nextAt: attempted.until };
      this.#place = item.place;
      if (attempted.isDelivered) this.#delivered += 1;
    }
    return { isOver: false, nextAt: null };
  }

  /** Renews the lease now and then while a long backlog is read. Returns false if it was lost. */
  async #keepLease(): Promise<boolean> {
    this.#signal.throwIfAborted();
    const now = this.#deps.clock.now();
    if (Math.abs(now - this.#renewedAt) < HOOK_RENEW_MS) return true;
    this.#renewedAt = now;
    return this.#claim.skip(this.#place);
  }

  async #skipTo(place: HookPlace): Promise<void> {
    if (await this.#claim.skip(place)) this.#place = place;
  }
}

/** How far the events of one kind came. `isOver`: nothing more can be told in this pass. */
interface Part {
  isOver: boolean;
  /** When to look again, in ms; null: when something changes. */
  nextAt: number | null;
}

/** Another process goes on. */
const LOST: Part = { isOver: true, nextAt: null };

function endOf({ horizon }: Pick<Gathered, 'horizon'>): Pick<HookPlace, 'seq' | 'rank'> {
  return { seq: horizon, rank: LAST_RANK };
}

/** Returns the last run of each source among these, unless a later one was seen before. */
function lastIds(
  runs: readonly { source: string; id: number }[],
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  const last: Record<string, number> = {};
  for (const { source, id } of runs) last[source] = Math.max(id, lastRunSeen(before, source));
  return last;
}
