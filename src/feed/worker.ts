import { TaskmirrorError } from '../model/errors.ts';
import { LAST_RANK } from '../model/hook.ts';
import type { Clock } from '../model/clock.ts';
import type { Feed } from '../store/feed.ts';
import type { HookStore } from '../store/hooks.ts';
import { deliver, type DeliveryDeps, type Hook, type Pass } from './delivery.ts';

export interface WorkerDeps extends DeliveryDeps {
  feed: Feed;
  clock: Clock;
}

/** The longest that a hook sleeps, in ms: the clock may be set, and another process may end its pause. */
const LONGEST_SLEEP_MS = 60_000;
/** Pauses after an error of the database, in ms. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;
/** Most passes over one hook without a pause. */
const MAX_PASSES = 1_000;

/** Begins hooks that are new, now: they are told of what comes after. Throws DatabaseError. */
export async function beginHooks(
  hooks: readonly Hook[],
  { feed, store }: { feed: Pick<Feed, 'head'>; store: HookStore },
): Promise<void> {
  const place = { seq: await feed.head(), rank: LAST_RANK, runs: await store.lastRuns() };
  await store.begin(
    hooks.map(({ rules }) => rules.name),
    place,
  );
}

/**
 * Tells all hooks what there is to tell now, each on its own, until `signal` aborts, and returns how many events
 * were delivered. `limit` makes a time limit, which begins with the first attempt at each hook. What fails is left
 * to a later time. Never rejects: errors are logged.
 */
export async function deliverNow(
  hooks: readonly Hook[],
  deps: DeliveryDeps,
  signal: AbortSignal,
  limit?: () => AbortSignal,
): Promise<number> {
  const counts = await Promise.all(
    hooks.map((hook) => {
      if (limit === undefined) return deliverToOne(hook, deps, signal);
      const limited = withLimit(hook, limit);
      return deliverToOne(limited.hook, deps, AbortSignal.any([signal, limited.over]));
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Nothing of a reading is durable: if it counted, a hook that is far behind would never be told anything. */
function withLimit({ rules, send }: Hook, limit: () => AbortSignal): { hook: Hook; over: AbortSignal } {
  const over = new AbortController();
  let time: AbortSignal | undefined;
  const begin = (): void => {
    const begun = (time = limit());
    begun.addEventListener('abort', () => over.abort(begun.reason), { once: true });
  };
  const timed: Hook['send'] = (message, signal) => {
    if (time === undefined) begin();
    return send(message, signal);
  };
  return { hook: { rules, send: timed }, over: over.signal };
}

async function deliverToOne(hook: Hook, deps: DeliveryDeps, signal: AbortSignal): Promise<number> {
  let count = 0;
  try {
    for (let passes = 0; passes < MAX_PASSES && !signal.aborted; passes += 1) {
      const { delivered, nextAt } = await deliver(hook, deps, signal);
      count += delivered;
      if (nextAt === null || nextAt > deps.clock.now()) break;
    }
  } catch (error) {
    if (!signal.aborted) logError(hook, error, deps);
  }
  return count;
}

/**
 * Tells hooks what happens, until its signal aborts: after each commit, and when a pause or a wait is over. Each
 * hook has a loop of its own, so that one that fails or hangs delays no other, and no run.
 */
export class HookWorker {
  readonly #hooks: readonly Hook[];
  readonly #deps: WorkerDeps;
  readonly #stopping = new AbortController();
  #woken = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(hooks: readonly Hook[], deps: WorkerDeps) {
    this.#hooks = hooks;
    this.#deps = deps;
  }

  start(): void {
    this.#running = Promise.all([this.#watch(), ...this.#hooks.map((hook) => this.#follow(hook))]);
  }

  /** Lets all hooks look for events: a run has ended. */
  wake(): void {
    const woken = this.#woken;
    this.#woken = new AbortController();
    woken.abort();
  }

  /** Gives up the attempts under way, and waits for the loops. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    // The first wait ends at once, so that no change between a hook's first pass and the wait is missed.
    let seen = 0;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#deps.feed.changed(seen, signal);
        seen = await this.#deps.feed.head();
        failures = 0;
        this.wake();
      } catch (error) {
        failures += 1;
        this.#deps.log.debug({ err: error }, 'the changes of the mirror cannot be watched');
        await this.#sleep(pauseAfter(failures), signal);
      }
    }
  }

  async #follow(hook: Hook): Promise<void> {
    const { signal } = this.#stopping;
    let pass: Pass | undefined;
    for (let failures = 0; !signal.aborted;) {
      // Taken before the pass: what is committed meanwhile wakes the next one.
      const woken = this.#woken.signal;
      try {
        pass = await deliver(hook, this.#deps, signal, pass);
        failures = 0;
        const waitMs = (pass.nextAt ?? Infinity) - this.#deps.clock.now();
        if (waitMs > 0) await this.#sleep(waitMs, AbortSignal.any([signal, woken]));
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        logError(hook, error, this.#deps);
        await this.#sleep(pauseAfter(failures), signal);
      }
    }
  }

  /** Resolves when the time is over, or the signal aborts. */
  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    await this.#deps.clock.sleep(Math.min(ms, LONGEST_SLEEP_MS), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

function pauseAfter(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
}

function logError({ rules }: Hook, error: unknown, { log }: DeliveryDeps): void {
  const level = error instanceof TaskmirrorError ? 'warn' : 'error';
  log[level]({ hook: rules.name, err: error }, 'the events of a hook could not be read');
}
