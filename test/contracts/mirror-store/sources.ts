import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { hasCode, LeaseHeldError, UsageError } from '../../../src/model/errors.ts';
import type { MirrorStore } from '../../../src/store/store.ts';
import { EPOCH } from '../../support/tasks.ts';
import {
  A,
  B,
  changeOf,
  everything,
  HOUR,
  mirrorTask,
  open,
  RECORD,
  rejectedRow,
  statusOf,
  type Make,
} from './kit.ts';

const TASKS = ['t1', 't2', 't3'].map((id, i) => mirrorTask(id, i));
const NEW = { name: 'new', baseUrl: A.baseUrl };
const WEEK = 7 * 24 * HOUR;
/** More tasks than a store forgets in one transaction. */
const MANY = 2_000;

/** Each way to change what a name stands for. */
const administrations: [string, (store: MirrorStore, name: string) => Promise<unknown>][] = [
  ['renameSource', (store, name) => store.renameSource(name, 'new')],
  ['moveSource', (store, name) => store.moveSource(name, 'https://elsewhere.example')],
  ['forgetSource', (store, name) => store.forgetSource(name, { removeTasks: true })],
];

/** Without its lines of runs, which name their source. */
const runless = async (store: MirrorStore, source: typeof A): Promise<unknown> => {
  const { runs: _, status: __, ...rest } = (await everything(store, source)) as Record<string, unknown>;
  return rest;
};

/** Gives source A many tasks more. */
async function fill(store: MirrorStore): Promise<void> {
  const claim = await store.claim(A);
  const ids = Array.from({ length: MANY }, (_, i) => `many-${i}`);
  await claim.commit(changeOf({ tasks: ids.map((id) => mirrorTask(id)) }));
  await claim.release();
}

export function administering(make: Make): void {
  /** Source A, of which there is something of everything, after a run; and source B, which shows `t1` as well. */
  const filled = async () => {
    const mirror = await open(make);
    const { store, claim } = mirror;
    const run = await claim.startRun('reconcile');
    const gaps = [{ lower: null, upper: EPOCH - HOUR }];
    await claim.commit(
      changeOf({
        tasks: [...TASKS, mirrorTask('gone')],
        rejected: [rejectedRow('r')],
        ledger: { watermark: EPOCH, gaps },
        total: 4,
        surplus: 1,
        learnedOverlapMs: 1_000,
      }),
    );
    await claim.remove(['gone']);
    const other = await store.claim(B);
    await other.startRun('incremental');
    await other.commit(changeOf({ tasks: [...TASKS.slice(0, 1), mirrorTask('own')] }));
    // What B holds, A shows too.
    await claim.commit(changeOf({ tasks: [mirrorTask('own')] }));
    await claim.finishRun(run, RECORD);
    await claim.release();
    await other.release();
    return mirror;
  };

  describe('a source', () => {
    test.each(administrations)('that the mirror does not know is refused: %s', async (_, administer) => {
      const { store } = await filled();
      const refused = administer(store, 'nobody');
      await expect(refused).rejects.toBeInstanceOf(UsageError);
      await expect(refused).rejects.toMatchObject({
        code: 'source_unknown',
        facts: { source: 'nobody', known: ['a', 'b'] },
      });
    });

    test.each(administrations)('that a run holds stays as it is: %s', async (_, administer) => {
      const { store, open: openAgain } = await filled();
      const claim = await (await openAgain()).claim(A);
      await claim.startRun('incremental');
      const before = await everything(store);
      const refused = administer(store, 'a');
      await expect(refused).rejects.toBeInstanceOf(LeaseHeldError);
      await expect(refused).rejects.toMatchObject({ code: 'lease_held', facts: { source: 'a' } });
      expect(await everything(store)).toEqual(before);
      await claim.commit(changeOf({ tasks: [mirrorTask('late')] }));
    });

    test.each(administrations)('is not written by a run that slept meanwhile: %s', async (_, administer) => {
      const { store, clock, open: openAgain } = await filled();
      const asleep = await (await openAgain()).claim(A);
      await asleep.startRun('incremental');
      clock.advance(HOUR);
      await administer(store, 'a');
      const late = asleep.commit(changeOf({ tasks: [mirrorTask('late')] }));
      await expect(late).rejects.toMatchObject({ code: 'lease_lost' });
      const seen = await store.observe(A.name === 'a' ? B : A);
      expect(await seen.tasks(['late'])).toEqual([]);
    });

    test('that is renamed keeps its tasks, its ledger, its rejected rows, its runs and what it shows', async () => {
      const { store } = await filled();
      const before = await runless(store, A);
      const { source: _, ...status } = (await statusOf(store, 'a')) ?? {};
      const runs = await store.recentRuns(10);
      await store.renameSource('a', 'new');
      expect(await runless(store, NEW)).toEqual(before);
      expect(await statusOf(store, 'a')).toBeUndefined();
      expect(await statusOf(store, 'new')).toEqual({ ...status, source: 'new' });
      expect(await statusOf(store, 'b')).toMatchObject({ heldBy: [{ source: 'new', rows: 1 }] });
      expect(await store.recentRuns(10)).toEqual(
        runs.map((run) => (run.source === 'a' ? { ...run, source: 'new' } : run)),
      );
      const claim = await store.claim(NEW);
      expect(await claim.commit(changeOf({ tasks: TASKS }))).toMatchObject({ unchanged: 3 });
    });

    test('is not given a name that the mirror already has', async () => {
      const { store } = await filled();
      const before = await everything(store);
      await expect(store.renameSource('a', 'b')).rejects.toMatchObject({
        code: 'source_exists',
        facts: { source: 'b' },
      });
      await expect(store.renameSource('a', 'a')).rejects.toMatchObject({ code: 'source_exists' });
      expect(await everything(store)).toEqual(before);
    });

    test('that was moved is claimed at its new base URL, and at no other', async () => {
      const { store } = await filled();
      const moved = { name: 'a', baseUrl: 'https://elsewhere.example' };
      await expect(store.claim(moved)).rejects.toMatchObject({
        code: 'source_elsewhere',
        facts: { source: 'a', known: A.baseUrl, given: moved.baseUrl },
      });
      await store.moveSource('a', moved.baseUrl);
      await expect(store.claim(A)).rejects.toMatchObject({ code: 'source_elsewhere' });
      const claim = await store.claim(moved);
      expect(await claim.state()).toMatchObject({ ledger: { watermark: EPOCH }, total: 4 });
      expect(await statusOf(store, 'a')).toMatchObject({ baseUrl: moved.baseUrl, liveRows: 3 });
    });
  });

  describe('a source that is to be forgotten', () => {
    test('is not while it holds live tasks, unless they may be removed', async () => {
      const { store } = await filled();
      const before = await everything(store);
      const refused: unknown = await store
        .forgetSource('a', { removeTasks: false })
        .catch((error: unknown) => error);
      expect(hasCode(refused, 'source_has_tasks') && refused.facts).toEqual({ source: 'a', live: 3 });
      expect(await everything(store)).toEqual(before);
    });

    test('hands over the tasks that another source shows, and removes the rest with a line in the journal', async () => {
      const { store } = await filled();
      const forgotten = await store.forgetSource('a', { removeTasks: true });
      expect(forgotten).toEqual({ removed: 2, handedOver: 1, kept: 3 });
      expect(await statusOf(store, 'b')).toMatchObject({ liveRows: 2, heldBy: [] });
      const claim = await store.claim(B);
      expect(await claim.commit(changeOf({ tasks: [...TASKS, mirrorTask('gone')] }))).toMatchObject({
        unchanged: 1,
        updatedIds: ['t2', 't3', 'gone'],
      });
    });

    test('hands over nothing to a source that has had no run for a week', async () => {
      const { store, clock } = await filled();
      clock.advance(WEEK + HOUR);
      const forgotten = await store.forgetSource('a', { removeTasks: true });
      expect(forgotten).toEqual({ removed: 3, handedOver: 0, kept: 4 });
      expect(await statusOf(store, 'b')).toMatchObject({ liveRows: 1, heldBy: [] });
    });

    test('leaves no ledger, rejected row, shared task or run behind; it keeps its name for removed tasks', async () => {
      const { store } = await filled();
      await store.forgetSource('a', { removeTasks: true });
      expect(await statusOf(store, 'a')).toMatchObject({
        completeThrough: null,
        watermark: null,
        gaps: [],
        liveRows: 0,
        removedRows: 3,
        rejectedRows: 0,
        heldBy: [],
        apiTotal: null,
        learnedOverlapMs: 0,
        lastRunAt: null,
        lastSuccessAt: null,
      });
      expect((await store.recentRuns(10)).map(({ source }) => source)).toEqual(['b']);
      const claim = await store.claim(A);
      expect(await claim.state()).toMatchObject({
        ledger: { watermark: null, gaps: [] },
        total: null,
        surplus: null,
      });
    });

    test('is held meanwhile, while other sources are written', async () => {
      const { store, open: openAgain } = await filled();
      await fill(store);
      const other = await openAgain();
      const seen = await other.observe(A);
      const forgetting = store.forgetSource('a', { removeTasks: true });
      // Asked of the source alone: a status takes longer, and some servers compile it for longer than this lasts.
      while ((await seen.state()).ledger.watermark !== null) await setImmediate();
      await expect(other.claim(A)).rejects.toBeInstanceOf(LeaseHeldError);
      const claim = await other.claim(B);
      await claim.commit(changeOf({ tasks: [mirrorTask('meanwhile')] }));
      expect(await statusOf(other, 'a')).toMatchObject({ completeThrough: null, gaps: [] });
      expect(await forgetting).toEqual({ removed: MANY + 2, handedOver: 1, kept: MANY + 3 });
      expect(await statusOf(other, 'b')).toMatchObject({ liveRows: 3 });
    });

    test('promises nothing after an interruption, and is forgotten by a second call', async () => {
      const { store, open: openAgain } = await filled();
      await fill(store);
      const other = await openAgain();
      const stop = new AbortController();
      const stopped = store
        .forgetSource('a', { removeTasks: true, signal: stop.signal })
        .catch((error: unknown) => error);
      const seen = await other.observe(A);
      const live = async () => seen.countAbove(-Infinity);
      while ((await live()) >= MANY + 3) await setImmediate();
      stop.abort(new Error('enough'));
      expect(await stopped).toEqual(new Error('enough'));
      const left = await live();
      expect(left).toBeGreaterThan(0);
      expect(await statusOf(store, 'a')).toMatchObject({
        completeThrough: null,
        gaps: [],
        lastRunOutcome: 'interrupted',
      });
      const forgotten = await other.forgetSource('a', { removeTasks: true });
      expect(forgotten.removed + forgotten.handedOver).toBe(left);
      expect(await statusOf(store, 'a')).toMatchObject({ liveRows: 0, lastRunAt: null });
    });

    test('without any task is forgotten with its name', async () => {
      const { store, claim } = await open(make);
      await claim.commit(changeOf({ rejected: [rejectedRow('r')] }));
      await claim.release();
      const forgotten = await store.forgetSource('a', { removeTasks: false });
      expect(forgotten).toEqual({ removed: 0, handedOver: 0, kept: 0 });
      expect(await store.status()).toEqual([]);
    });
  });
}
