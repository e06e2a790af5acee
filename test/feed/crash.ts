import { describe, expect, test } from 'vitest';
import { deliver } from '../../src/feed/delivery.ts';
import type { HookMessage } from '../../src/feed/message.ts';
import type { HookRules } from '../../src/model/hook.ts';
import { HOOK_LEASE_MS } from '../../src/model/lease.ts';
import type { HookClaim, HookStore } from '../../src/store/hooks.ts';
import type { HooksUnderTest } from '../contracts/hook-store.ts';
import { runOf } from '../contracts/mirror-store/kit.ts';
import { benchOn, FakeHook, type HookBench, NEVER } from './kit.ts';

/** A worker was killed: nothing of it runs any more, not even what it would do at its end. */
class Killed extends Error {}

/** Counts the steps of a worker, and kills it before or after one of them. */
class Steps {
  taken = 0;
  #isDead = false;
  readonly #killAt: number;

  constructor(killAt: number) {
    this.#killAt = killAt;
  }

  async step<T>(work: () => Promise<T>): Promise<T> {
    this.#die();
    const done = await work();
    this.#die();
    return done;
  }

  #die(): void {
    this.taken += 1;
    if (this.taken === this.#killAt) this.#isDead = true;
    if (this.#isDead) throw new Killed();
  }
}

/** The store as a worker uses it that is killed at some step. A dead worker releases nothing. */
function mortal(store: HookStore, steps: Steps): HookStore {
  return {
    ...store,
    states: (names) => steps.step(() => store.states(names)),
    lastRuns: () => steps.step(() => store.lastRuns()),
    backfills: () => steps.step(() => store.backfills()),
    settledRuns: (after, limit) => steps.step(() => store.settledRuns(after, limit)),
    isNewErrorGroup: (group, task) => steps.step(() => store.isNewErrorGroup(group, task)),
    async claim(hook) {
      const claim = await steps.step(() => store.claim(hook));
      return claim === null ? null : mortalClaim(claim, steps);
    },
  };
}

function mortalClaim(claim: HookClaim, steps: Steps): HookClaim {
  return {
    state: claim.state,
    skip: (place) => steps.step(() => claim.skip(place)),
    beginDigest: (through) => steps.step(() => claim.beginDigest(through)),
    delivered: (place, at) => steps.step(() => claim.delivered(place, at)),
    failed: (trouble) => steps.step(() => claim.failed(trouble)),
    setAside: (...given) => steps.step(() => claim.setAside(...given)),
    release: () => steps.step(() => claim.release()),
  };
}

interface Round {
  /** Each message as the hook got it, in short. */
  told: string[];
  /** The same by their ids. */
  ids: string[];
  texts: string[];
  steps: number;
}

/**
 * Returns a function that tells a hook of some changes; the worker is killed at the step `killAt`, and another
 * one goes on. All rounds are in one mirror, each with a hook of its own.
 */
async function rounds(make: Make, rules: Partial<HookRules>): Promise<(killAt: number) => Promise<Round>> {
  const under = await make();
  const store = await under.open();
  return async (killAt) => {
    await runOf(under.mirror, 'incremental');
    const hook = new FakeHook({ ...rules, name: `killed-at-${killAt}` });
    const bench = await benchOn({ ...under, open: async () => store }, hook);
    await fill(bench);
    const steps = new Steps(killAt);
    const dying = { rules: hook.rules, send: (message: HookMessage) => steps.step(() => hook.send(message)) };
    await deliver(dying, { ...bench.deps, store: mortal(store, steps) }, NEVER).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    });
    bench.clock.advance(HOOK_LEASE_MS + 1);
    await deliver(hook, bench.deps, NEVER);
    const { told, sent } = hook;
    return {
      told,
      ids: sent.map(({ id }) => id),
      texts: sent.map(({ text }) => text),
      steps: steps.taken,
    };
  };
}

/** Changes of two tasks, and a source that fails. */
async function fill({ feed, mirror, clock }: HookBench): Promise<void> {
  for (const id of ['a', 'b']) feed.put(id, { status: 'pending' });
  feed.put('a', { status: 'running' });
  feed.put('b', { status: 'failed', error: 'no' });
  await runOf(mirror, 'incremental', { outcome: 'failed' });
  clock.advance(1_000);
}

/** Leaves out what is the same as the one before it. */
const once = (list: readonly string[]): string[] => list.filter((one, at) => one !== list[at - 1]);

type Make = () => Promise<Pick<HooksUnderTest, 'clock' | 'mirror' | 'open'>>;

/** What a worker has to leave behind whose process ends at any moment. */
export function killedWorkerContract(engine: string, make: Make): void {
  describe(`a worker that is killed at any step: ${engine}`, () => {
    test('leaves no event untold, none out of order, and each that is told twice has the same id', async () => {
      const round = await rounds(make, { events: ['*'] });
      const whole = await round(Infinity);
      expect(whole.told).toEqual([
        '1 task.added',
        '1 task.pending',
        '2 task.added',
        '2 task.pending',
        '3 task.changed',
        '3 task.running',
        '4 task.changed',
        '4 task.failed',
        'null source.failed',
      ]);
      for (let killAt = 1; killAt <= whole.steps; killAt += 1) {
        const { told, ids } = await round(killAt);
        // At most the event under way is told again, right after itself.
        expect(once(told)).toEqual(whole.told);
        expect(told.length).toBeLessThanOrEqual(whole.told.length + 1);
        expect(once(ids)).toEqual([...new Set(ids)]);
        expect(new Set(ids).size).toBe(whole.told.length);
      }
    });

    test('leaves one digest, the same if it is told twice', async () => {
      const round = await rounds(make, { events: ['task.*'], maxPerRun: 3 });
      const whole = await round(Infinity);
      expect(whole.told).toEqual(['4 hook.digest']);
      for (let killAt = 1; killAt <= whole.steps; killAt += 1) {
        const { told, ids, texts } = await round(killAt);
        expect(once(told)).toEqual(whole.told);
        expect([new Set(ids).size, new Set(texts).size]).toEqual([1, 1]);
      }
    });
  });
}
