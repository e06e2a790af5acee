import { describe, expect, test } from 'vitest';
import { deliver } from '../../src/feed/delivery.ts';
import type { HookMessage } from '../../src/feed/message.ts';
import { HOOK_LEASE_MS } from '../../src/model/lease.ts';
import type { HookClaim, HookStore } from '../../src/store/hooks.ts';
import { DELIVERED, FakeHook, type HookBench, hookBench, NEVER } from './kit.ts';

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
  sent: HookMessage[];
  steps: number;
}

/** Tells a hook of some changes; the worker is killed at the step `killAt`, and another one goes on. */
async function round(killAt: number, hook: FakeHook): Promise<Round> {
  const bench = await hookBench(hook);
  await fill(bench);
  const steps = new Steps(killAt);
  const sent: HookMessage[] = [];
  const received = async (message: HookMessage) => {
    sent.push(message);
    return DELIVERED;
  };
  const dying = { rules: hook.rules, send: (message: HookMessage) => steps.step(() => received(message)) };
  await deliver(dying, { ...bench.deps, store: mortal(bench.store, steps) }, NEVER).catch(
    (error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    },
  );
  bench.clock.advance(HOOK_LEASE_MS + 1);
  await deliver({ rules: hook.rules, send: received }, bench.deps, NEVER);
  return { sent, steps: steps.taken };
}

/** Changes of two tasks, and a source that fails. */
async function fill({ feed, mirror, clock }: HookBench): Promise<void> {
  for (const id of ['a', 'b']) feed.put(id, { status: 'pending' });
  feed.put('a', { status: 'running' });
  feed.put('b', { status: 'failed', error: 'no' });
  for (const outcome of ['ok', 'failed'] as const) {
    const claim = await mirror.claim({ name: 'other', baseUrl: 'https://other.example' });
    const run = await claim.startRun('incremental');
    clock.advance(1_000);
    await claim.finishRun(run, { ...EMPTY, outcome });
    await claim.release();
  }
}

const ofAll = () => new FakeHook({ events: ['*'] });
const ofDigest = () => new FakeHook({ events: ['task.*'], maxPerRun: 3 });

describe('a worker that is killed at any step', () => {
  test('leaves no event untold, none out of order, and each that is told twice has the same id', async () => {
    const whole = await round(Infinity, ofAll());
    const expected = whole.sent.map(({ id }) => id);
    expect(whole.sent.map(({ body }) => body.type)).toEqual([
      'task.added',
      'task.pending',
      'task.added',
      'task.pending',
      'task.changed',
      'task.running',
      'task.changed',
      'task.failed',
      'source.failed',
    ]);
    for (let killAt = 1; killAt <= whole.steps; killAt += 1) {
      const { sent } = await round(killAt, ofAll());
      const ids = sent.map(({ id }) => id);
      expect([...new Set(ids)]).toEqual(expected);
      // At most the event under way is told again, right after itself.
      expect(ids.length).toBeLessThanOrEqual(expected.length + 1);
      expect(ids.filter((id, index) => id !== ids[index - 1])).toEqual(expected);
    }
  });

  test('leaves one digest, the same if it is told twice', async () => {
    const whole = await round(Infinity, ofDigest());
    expect(whole.sent.map(({ body }) => body.type)).toEqual(['hook.digest']);
    for (let killAt = 1; killAt <= whole.steps; killAt += 1) {
      const { sent } = await round(killAt, ofDigest());
      expect(new Set(sent.map(({ text }) => text)).size).toBe(1);
      expect(sent[0]).toEqual(whole.sent[0]);
    }
  });
});

const EMPTY = {
  verdict: null,
  requests: 1,
  rowsSeen: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  removed: 0,
  rejected: 0,
  error: null,
};
