import { describe, expect, test } from 'vitest';
import { LAST_RANK } from '../../src/model/hook.ts';
import { HOOK_LEASE_MS } from '../../src/model/lease.ts';
import type { Task } from '../../src/model/task.ts';
import type { HookFailure, HookPlace, HookStore, HookTrouble } from '../../src/store/hooks.ts';
import type { MirrorStore } from '../../src/store/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { A, B, changeOf, mirrorTask, RECORD, runOf } from './mirror-store/kit.ts';

/** What a store of hooks is tested with: the mirror that it belongs to, and its clock. */
export interface HooksUnderTest {
  clock: FakeClock;
  mirror: MirrorStore;
  /** Opens it, once more as another process would. */
  open: () => Promise<HookStore>;
  /** Makes the lease of a hook look as if this process held it. */
  setHolder: (hook: string, holder: { pid: number; host: string }) => Promise<void>;
}

const NOW = '2026-01-01T00:00:00.000Z';
const START: HookPlace = { seq: 5, rank: LAST_RANK, runs: { a: 3 } };
const NEXT: HookPlace = { seq: 8, rank: 1, runs: { a: 4, b: 2 } };
const TROUBLE: HookTrouble = {
  attempts: 2,
  failingSince: NOW,
  nextAttemptAt: '2026-01-01T00:00:10.000Z',
  lastError: 'answered 500 \0',
};
const FAILURE: HookFailure = {
  hook: 'one',
  eventId: 'msg_1',
  // The API may name a status as it likes.
  type: 'task.odd \0 ␀',
  seq: 8,
  source: 'a',
  taskId: 'task \0',
  givenUpAt: NOW,
  reason: 'answered 410 (gone) \0',
};

/** What every HookStore has to hold (src/store/hooks.ts). */
export function hookStoreContract(name: string, make: () => Promise<HooksUnderTest>): void {
  describe(`HookStore contract: ${name}`, () => {
    states(make);
    leases(make);
    backfills(make);
    runs(make);
  });
}

/** What it has to know of error groups. */
export function errorGroupContract(name: string, make: Make): void {
  describe(`HookStore contract, error groups: ${name}`, () => {
    test('one is new at the first change by which a task had it', async () => {
      const { mirror, open } = await make();
      const store = await open();
      const claim = await mirror.claim(A);
      const commit = (...tasks: Task[]) => claim.commit(changeOf({ tasks }));
      // Changes 1 to 5.
      await commit(failedTask('a', 'disk 1 is full'));
      await commit(mirrorTask('b'));
      await commit(failedTask('b', 'disk 2 is full'));
      await commit(failedTask('c', 'no network'));
      await commit(failedTask('a', 'no network'));
      await claim.release();
      const isNew = (group: string, id: string, seq: number) => store.isNewErrorGroup(group, { id, seq });
      expect(await isNew('disk <n> is full', 'b', 3)).toBe(true);
      expect(await isNew('no network', 'c', 4)).toBe(true);
      expect(await isNew('no network', 'a', 5)).toBe(false);
      expect(await isNew('never seen', 'a', 5)).toBe(true);
    });
  });
}

function failedTask(id: string, error: string): Task {
  return mirrorTask(id, 0, { status: 'failed', error });
}

type Make = () => Promise<HooksUnderTest>;

function states(make: Make): void {
  describe('the state of a hook', () => {
    test('begins where it is told to, once', async () => {
      const store = await (await make()).open();
      await store.begin(['one', 'two'], START);
      await store.begin(['one', 'three'], { ...START, seq: 9 });
      const known = await store.states();
      expect(known.map(({ hook, place }) => [hook, place.seq])).toEqual([
        ['one', 5],
        ['three', 9],
        ['two', 5],
      ]);
      expect(await store.states(['one'])).toEqual([
        {
          hook: 'one',
          place: START,
          replayThrough: 0,
          digestThrough: 0,
          attempts: 0,
          failingSince: null,
          nextAttemptAt: null,
          lastError: null,
          lastDeliveryAt: null,
          delivered: 0,
          failed: 0,
          setAside: 0,
        },
      ]);
    });

    test('keeps what every step leaves behind, for any process', async () => {
      const under = await make();
      const store = await under.open();
      await store.begin(['one'], START);
      const claim = await store.claim('one');
      expect(claim?.state.place).toEqual(START);
      expect(await claim?.beginDigest(7)).toBe(true);
      expect(await claim?.failed(TROUBLE)).toBe(true);
      const other = await under.open();
      const troubled = { ...TROUBLE, digestThrough: 7, failed: 1 };
      expect((await other.states())[0]).toMatchObject(troubled);
      expect(await claim?.delivered(NEXT, NOW)).toBe(true);
      expect((await other.states())[0]).toMatchObject({
        place: NEXT,
        digestThrough: 0,
        attempts: 0,
        failingSince: null,
        nextAttemptAt: null,
        lastError: null,
        lastDeliveryAt: NOW,
        delivered: 1,
      });
      expect(await claim?.skip({ ...NEXT, seq: 9, rank: LAST_RANK })).toBe(true);
      expect((await other.states())[0]?.place).toEqual({ ...NEXT, seq: 9, rank: LAST_RANK });
    });

    test('an event that is set aside moves it on, and is kept', async () => {
      const store = await (await make()).open();
      await store.begin(['one', 'two'], START);
      const claim = await store.claim('one');
      expect(await claim?.setAside(NEXT, FAILURE, TROUBLE)).toBe(true);
      const later = { ...FAILURE, eventId: 'msg_2', type: 'source.failed', seq: null, taskId: null };
      expect(await claim?.setAside(NEXT, later, TROUBLE)).toBe(true);
      expect((await store.states(['one']))[0]).toMatchObject({ place: NEXT, setAside: 2, failed: 2 });
      expect(await store.failures(10)).toEqual([later, FAILURE]);
      expect(await store.failures(1)).toEqual([later]);
      expect(await store.failures(10, 'two')).toEqual([]);
    });

    test('a replay sets it back, and takes the lease away', async () => {
      const store = await (await make()).open();
      await store.begin(['one'], { ...START, seq: 20 });
      const claim = await store.claim('one');
      await claim?.failed(TROUBLE);
      expect(await store.replay('one', 3, 20)).toBe(true);
      expect((await store.states())[0]).toMatchObject({
        place: { seq: 3, rank: LAST_RANK, runs: { a: 3 } },
        replayThrough: 20,
        attempts: 0,
        nextAttemptAt: null,
      });
      expect(await claim?.delivered(NEXT, NOW)).toBe(false);
      expect((await store.states())[0]?.place.seq).toBe(3);
      expect(await store.replay('nobody', 3, 20)).toBe(false);
    });
  });
}

function leases(make: Make): void {
  describe('the lease of a hook', () => {
    test('is held by one process at a time', async () => {
      const under = await make();
      const [store, other] = [await under.open(), await under.open()];
      await store.begin(['one', 'two'], START);
      const claim = await store.claim('one');
      expect(await other.claim('one')).toBeNull();
      expect(await other.claim('two')).not.toBeNull();
      await claim?.release();
      await claim?.release();
      expect(await other.claim('one')).not.toBeNull();
    });

    test('of a hook that the mirror does not know is nobody’s', async () => {
      const store = await (await make()).open();
      expect(await store.claim('one')).toBeNull();
    });

    test('ends without a sign of life; who had it writes nothing any more', async () => {
      const under = await make();
      const [store, other] = [await under.open(), await under.open()];
      await store.begin(['one'], START);
      const lost = await store.claim('one');
      under.clock.advance(HOOK_LEASE_MS - 1_000);
      expect(await other.claim('one')).toBeNull();
      under.clock.advance(2_000);
      const claim = await other.claim('one');
      expect(claim).not.toBeNull();
      expect(await lost?.skip(NEXT)).toBe(false);
      expect(await lost?.beginDigest(9)).toBe(false);
      expect(await lost?.delivered(NEXT, NOW)).toBe(false);
      expect(await lost?.failed(TROUBLE)).toBe(false);
      expect(await lost?.setAside(NEXT, FAILURE, TROUBLE)).toBe(false);
      await lost?.release();
      expect(await store.failures(10)).toEqual([]);
      expect((await store.states())[0]?.place).toEqual(START);
      expect(await claim?.skip(NEXT)).toBe(true);
    });

    test('is renewed by every write', async () => {
      const under = await make();
      const [store, other] = [await under.open(), await under.open()];
      await store.begin(['one'], START);
      const claim = await store.claim('one');
      for (let step = 0; step < 3; step += 1) {
        under.clock.advance(HOOK_LEASE_MS - 1_000);
        expect(await claim?.skip({ ...NEXT, seq: 10 + step })).toBe(true);
        expect(await other.claim('one')).toBeNull();
      }
    });

    test('of a process on this host that is dead is free at once', async () => {
      const under = await make();
      const [store, other] = [await under.open(), await under.open()];
      await store.begin(['one'], START);
      await store.claim('one');
      const { hostname } = await import('node:os');
      // No system gives a process this number.
      await under.setHolder('one', { pid: 2 ** 30, host: hostname() });
      expect(await other.claim('one')).not.toBeNull();
    });
  });
}

function backfills(make: Make): void {
  describe('the first backfill of a source', () => {
    test('lasts until its run has ended, and through a second try', async () => {
      const { mirror, open, clock } = await make();
      const store = await open();
      expect(await store.backfills()).toEqual(new Map());
      const first = await mirror.claim(A);
      const id = await first.startRun('backfill');
      expect(await store.backfills()).toEqual(new Map([['a', null]]));
      clock.advance(1_000);
      await first.finishRun(id, { ...RECORD, outcome: 'interrupted' });
      await first.release();
      const second = await mirror.claim(A);
      const again = await second.startRun('backfill');
      expect(await store.backfills()).toEqual(new Map([['a', null]]));
      clock.advance(1_000);
      await second.finishRun(again, RECORD);
      await second.release();
      clock.advance(1_000);
      await runOf(mirror, 'incremental');
      expect(await store.backfills()).toEqual(new Map([['a', '2026-01-01T00:00:02.000Z']]));
    });

    test('is its first success, of whatever kind', async () => {
      const { mirror, open, clock } = await make();
      const store = await open();
      await runOf(mirror, 'reconcile', { outcome: 'failed' });
      clock.advance(1_000);
      const claim = await mirror.claim(A);
      const id = await claim.startRun('reconcile');
      clock.advance(1_000);
      await claim.finishRun(id, RECORD);
      await claim.release();
      clock.advance(1_000);
      await runOf(mirror, 'incremental');
      await runOf(mirror, 'reconcile');
      expect(await store.backfills()).toEqual(new Map([['a', '2026-01-01T00:00:02.000Z']]));
    });
  });
}

function runs(make: Make): void {
  describe('runs that have settled', () => {
    test('are those after a place of each source, and the last one before it', async () => {
      const { mirror, open } = await make();
      const store = await open();
      const ids: number[] = [];
      for (const outcome of ['ok', 'interrupted', 'failed', 'partial'] as const) {
        ids.push(await runOf(mirror, 'incremental', { outcome, error: outcome === 'failed' ? 'no' : null }));
      }
      const other = await mirror.claim(B);
      const [ok = 0, , failed = 0, partial = 0] = ids;
      expect(await store.lastRuns()).toEqual({ a: partial });
      const found = await store.settledRuns({ a: failed }, 10);
      expect(found.map(({ id, outcome }) => [id, outcome])).toEqual([
        [failed, 'failed'],
        [partial, 'partial'],
      ]);
      expect(found[0]).toMatchObject({ source: 'a', kind: 'incremental', error: 'no' });
      expect((await store.settledRuns({}, 10)).map(({ id }) => id)).toEqual([ok, failed, partial]);
      expect((await store.settledRuns({}, 2)).map(({ id }) => id)).toEqual([ok, failed]);
      // A source that it does not know: it may have another name since.
      expect((await store.settledRuns({ old: failed }, 9)).map(({ id }) => id)).toEqual([failed, partial]);
      await other.release();
    });
  });
}
