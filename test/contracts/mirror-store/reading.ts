import { describe, expect, test } from 'vitest';
import { EMPTY_LEDGER } from '../../../src/model/ledger.ts';
import { at, EPOCH } from '../../support/tasks.ts';
import {
  A,
  B,
  RECORD,
  changeOf,
  mirrorTask,
  open,
  rejectedRow,
  runOf,
  statusOf,
  writes,
  type Make,
} from './kit.ts';

export function observing(make: Make): void {
  describe('an observed source', () => {
    test('that nobody has claimed is empty, and stays unknown', async () => {
      const store = await (await make()).open();
      const seen = await store.observe(A);
      const { ledger, total, surplus } = await seen.state();
      expect({ ledger, total, surplus }).toEqual({ ledger: EMPTY_LEDGER, total: null, surplus: null });
      expect(await seen.countAbove(-Infinity)).toBe(0);
      expect(await store.status()).toEqual([]);
    });

    test('shows what its holder has committed, without the lease', async () => {
      const { claim, open: openAgain } = await open(make);
      await claim.commit(changeOf({ tasks: [mirrorTask('x')], total: 7 }));
      const seen = await (await openAgain()).observe(A);
      expect(await seen.tasks(['x'])).toEqual([mirrorTask('x')]);
      expect(await seen.state()).toMatchObject({ total: 7 });
      expect(await seen.preview([mirrorTask('x'), mirrorTask('y')])).toMatchObject({ insertedIds: ['y'] });
      await seen.release();
      await claim.renew();
    });

    test('has no method that writes', async () => {
      const seen = await (await (await make()).open()).observe(A);
      const writers = writes.map(([what]) => what.split(' ')[0] ?? '');
      expect(writers).toContain('commit');
      expect(writers.filter((name) => name in seen)).toEqual([]);
    });
  });
}

export function reading(make: Make): void {
  const tasks = [
    mirrorTask('t0', 0, { status: 'running' }),
    mirrorTask('t1', 10, { status: 'pending' }),
    mirrorTask('t2', 20),
    mirrorTask('t3', 30, { status: 'awaiting_approval' }),
    mirrorTask('t4', 40, { status: 'a_new_status' }),
  ];

  describe('reading a source', () => {
    test('counts its live rows strictly above an activity, as far as it is asked to', async () => {
      const { claim } = await open(make);
      await claim.commit(changeOf({ tasks }));
      expect(await claim.countAbove(EPOCH - 20)).toBe(2);
      expect(await claim.countAbove(EPOCH - 21)).toBe(3);
      expect(await claim.countAbove(EPOCH)).toBe(0);
      expect(await claim.countAbove(-Infinity)).toBe(5);
      expect(await claim.countAbove(Infinity)).toBe(0);
      expect(await claim.countAbove(-Infinity, 2)).toBe(2);
      expect(await claim.countAbove(-Infinity, 9)).toBe(5);
      await claim.remove(['t0', 't3']);
      expect(await claim.countAbove(EPOCH - 20)).toBe(1);
      expect(await claim.countAbove(-Infinity)).toBe(3);
    });

    test('gives its live open tasks, newest activity first', async () => {
      const { claim } = await open(make);
      await claim.commit(changeOf({ tasks: tasks.toReversed() }));
      expect(await claim.openTasks()).toEqual([
        { id: 't0', activity: EPOCH },
        { id: 't1', activity: EPOCH - 10 },
        { id: 't3', activity: EPOCH - 30 },
      ]);
      await claim.remove(['t1']);
      expect((await claim.openTasks()).map(({ id }) => id)).toEqual(['t0', 't3']);
    });

    test('gives tasks by id, removed ones too, and leaves out what is not there', async () => {
      const { claim } = await open(make);
      await claim.commit(changeOf({ tasks }));
      await claim.remove(['t2']);
      expect((await claim.tasks(['t4', 'nowhere', 't2'])).map(({ id }) => id)).toEqual(['t4', 't2']);
      expect(await claim.tasks([])).toEqual([]);
    });

    test('its status counts and dates what is known of it', async () => {
      const { store, claim: first, clock } = await open(make);
      await first.release();
      const gaps = [
        { lower: EPOCH - 5, upper: EPOCH },
        { lower: EPOCH - 30, upper: EPOCH - 20 },
      ];
      const ledger = { watermark: EPOCH + 1, gaps };
      const fullAt = at(clock.now());
      await runOf(store, 'reconcile');
      clock.advance(1_000);
      await runOf(store, 'incremental', { outcome: 'partial' });
      const successAt = at(clock.now());
      clock.advance(1_000);
      const claim = await store.claim(A);
      await claim.finishRun(await claim.startRun('incremental'), {
        ...RECORD,
        outcome: 'failed',
        verdict: null,
      });
      await claim.commit(
        changeOf({ tasks, rejected: [rejectedRow('r')], ledger, total: 8, learnedOverlapMs: 60_000 }),
      );
      await claim.remove(['t2']);
      await claim.release();
      expect(await statusOf(store, 'a')).toEqual({
        source: 'a',
        baseUrl: A.baseUrl,
        completeThrough: at(EPOCH - 30),
        watermark: at(EPOCH + 1),
        gaps: gaps.map(({ lower, upper }) => ({ lower: at(lower), upper: at(upper) })),
        liveRows: 4,
        openTasks: 3,
        rejectedRows: 1,
        removedRows: 1,
        learnedOverlapMs: 60_000,
        apiTotal: 8,
        heldBy: [],
        lastRunAt: at(clock.now()),
        lastRunKind: 'incremental',
        lastRunOutcome: 'failed',
        lastSuccessAt: successAt,
        lastCleanFullAt: fullAt,
        holder: null,
      });
    });

    test('its status is complete through the watermark without gaps, and promises nothing above an endless one', async () => {
      const { store, claim } = await open(make);
      await claim.commit(changeOf({ ledger: { watermark: EPOCH, gaps: [] } }));
      expect(await statusOf(store, 'a')).toMatchObject({ completeThrough: at(EPOCH) });
      await claim.commit(
        changeOf({ ledger: { watermark: EPOCH, gaps: [{ lower: null, upper: EPOCH - 9 }] } }),
      );
      expect(await statusOf(store, 'a')).toMatchObject({ completeThrough: null, watermark: at(EPOCH) });
    });
  });
}

export function twoSources(make: Make): void {
  describe('two sources in one mirror', () => {
    test('have state, runs, rows and rejections of their own', async () => {
      const { store, claim } = await open(make);
      const other = await store.claim(B);
      await claim.commit(
        changeOf({
          tasks: [mirrorTask('1', 0, { status: 'running' })],
          rejected: [rejectedRow('r')],
          total: 1,
        }),
      );
      await other.commit(
        changeOf({
          tasks: [mirrorTask('2'), mirrorTask('r')],
          ledger: { watermark: EPOCH, gaps: [] },
          total: 2,
        }),
      );
      expect(await claim.state()).toMatchObject({ ledger: EMPTY_LEDGER, total: 1 });
      expect(await other.state()).toMatchObject({ ledger: { watermark: EPOCH }, total: 2 });
      expect([await claim.countAbove(-Infinity), await other.countAbove(-Infinity)]).toEqual([1, 2]);
      expect([await claim.openTasks(), await other.openTasks()]).toMatchObject([[{ id: '1' }], []]);
      expect(await store.status()).toMatchObject([
        { source: 'a', liveRows: 1, rejectedRows: 1 },
        { source: 'b', liveRows: 2, rejectedRows: 0 },
      ]);
    });

    test('that show the same task leave it with the source that showed it first', async () => {
      const { store, claim } = await open(make);
      const other = await store.claim(B);
      await claim.commit(changeOf({ tasks: [mirrorTask('shared')] }));
      const changed = changeOf({ tasks: [mirrorTask('shared', 0, { messageCount: 7 })] });
      expect(await other.commit(changed)).toMatchObject({ updated: 1, unchanged: 0 });
      expect(await other.commit(changed)).toMatchObject({ updated: 0, unchanged: 1 });
      expect(await store.status()).toMatchObject([
        { source: 'a', liveRows: 1 },
        { source: 'b', liveRows: 0 },
      ]);
      expect(await claim.tasks(['shared'])).toEqual([mirrorTask('shared', 0, { messageCount: 7 })]);
    });

    test('that showed the same task leave it to the one that still does, once the other has removed it', async () => {
      const { store, claim } = await open(make);
      const other = await store.claim(B);
      await claim.commit(changeOf({ tasks: [mirrorTask('shared')] }));
      await claim.remove(['shared']);
      await other.commit(changeOf({ tasks: [mirrorTask('shared')] }));
      expect(await claim.remove(['shared'])).toBe(0);
      expect(await store.status()).toMatchObject([
        { source: 'a', liveRows: 0, removedRows: 0 },
        { source: 'b', liveRows: 1, removedRows: 0 },
      ]);
    });
  });
}
