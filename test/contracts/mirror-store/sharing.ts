import { describe, expect, test } from 'vitest';
import type { MirrorClaim } from '../../../src/store/store.ts';
import { EPOCH } from '../../support/tasks.ts';
import { A, B, changeOf, HOUR, mirrorTask, open, RECORD, rejectedRow, statusOf, type Make } from './kit.ts';

const C = { name: 'c', baseUrl: 'https://c.example' };
const WEEK = 7 * 24 * HOUR;
const IDS = ['t1', 't2', 't3', 't4'];
const TASKS = IDS.map((id, i) => mirrorTask(id, i));

const unseenOf = async (claim: MirrorClaim): Promise<string[]> => {
  expect(await claim.countUnseen()).toBe((await claim.unseen('', 100)).length);
  return claim.unseen('', 100);
};

const counts = async (of: MirrorClaim): Promise<number[]> => [
  await of.countAbove(-Infinity),
  await of.countAbove(EPOCH - 2),
  await of.countAbove(EPOCH - 3),
  await of.countAbove(Infinity),
  await of.countAbove(-Infinity, 2),
  await of.countAbove(EPOCH - 4, 100),
];

export function sharing(make: Make): void {
  /** Source A, which has shown all tasks, and source B, which has then shown those of these ids. */
  const shared = async (ids: readonly string[]) => {
    const mirror = await open(make);
    const other = await mirror.store.claim(B);
    for (const claim of [mirror.claim, other]) await claim.startRun('incremental');
    await mirror.claim.commit(changeOf({ tasks: TASKS }));
    await other.commit(changeOf({ tasks: TASKS.filter(({ id }) => ids.includes(id)) }));
    return { ...mirror, other };
  };
  describe('a task that two sources show', () => {
    test('is one row of the first, and said to be held by it in the status of the second', async () => {
      const { store } = await shared(['t1', 't2', 't3']);
      expect(await store.status()).toMatchObject([
        { source: 'a', liveRows: 4, heldBy: [] },
        { source: 'b', liveRows: 0, heldBy: [{ source: 'a', rows: 3 }] },
      ]);
    });

    test('counts among the live rows of both, by its activity as well', async () => {
      const { claim, other } = await shared(['t1', 't3', 't4']);
      await other.commit(changeOf({ tasks: [mirrorTask('own', 9)] }));
      expect(await counts(claim)).toEqual([4, 2, 3, 0, 2, 4]);
      expect(await counts(other)).toEqual([4, 1, 2, 0, 2, 3]);
    });

    test('is an open task of both while it is open', async () => {
      const { claim, other } = await shared(['t2', 't3']);
      for (const id of ['t1', 't2']) {
        await claim.commit(changeOf({ tasks: [mirrorTask(id, 1, { status: 'running' })] }));
      }
      await other.commit(changeOf({ tasks: [mirrorTask('own', 0, { status: 'pending' })] }));
      expect((await claim.openTasks()).map(({ id }) => id).toSorted()).toEqual(['t1', 't2']);
      expect(await other.openTasks()).toEqual([
        { id: 'own', activity: EPOCH },
        { id: 't2', activity: EPOCH - 1 },
      ]);
    });

    test('is seen by the sweep of each source separately', async () => {
      const { claim, other } = await shared(['t1', 't2', 't3']);
      for (const each of [claim, other]) await each.beginSweep();
      await other.markSeen(['t1']);
      await other.commit(
        changeOf({ tasks: [TASKS[1] ?? mirrorTask('none')], rejected: [rejectedRow('t3')] }),
      );
      expect(await unseenOf(other)).toEqual([]);
      expect(await unseenOf(claim)).toEqual(IDS);
      await other.beginSweep();
      await other.commit(changeOf({ tasks: [mirrorTask('t0')] }));
      expect(await other.unseen('', 2)).toEqual(['t1', 't2']);
      expect(await other.unseen('t2', 2)).toEqual(['t3']);
    });

    test('is handed over, live as it is, once the first does not show it any more', async () => {
      const { store, claim, other } = await shared(['t1', 't2']);
      expect(await claim.removable(IDS)).toEqual(['t3', 't4']);
      expect(await claim.remove(IDS)).toBe(2);
      expect(await store.status()).toMatchObject([
        { source: 'a', liveRows: 0, removedRows: 2, heldBy: [] },
        { source: 'b', liveRows: 2, removedRows: 0, heldBy: [] },
      ]);
      expect([await claim.countAbove(-Infinity), await other.countAbove(-Infinity)]).toEqual([0, 2]);
      expect(await other.commit(changeOf({ tasks: TASKS.slice(0, 2) }))).toMatchObject({ unchanged: 2 });
      // The first may show it again: then it is shared the other way round.
      await claim.commit(changeOf({ tasks: TASKS.slice(0, 1) }));
      expect(await statusOf(store, 'a')).toMatchObject({ liveRows: 0, heldBy: [{ source: 'b', rows: 1 }] });
      expect(await other.remove(['t1', 't2'])).toBe(1);
      expect(await statusOf(store, 'a')).toMatchObject({ liveRows: 1, removedRows: 2 });
    });

    test('stays with the first once the second does not show it any more', async () => {
      const { store, claim, other } = await shared(['t1', 't2']);
      expect(await other.removable(['t1'])).toEqual([]);
      expect(await other.remove(['t1', 't4'])).toBe(0);
      expect(await store.status()).toMatchObject([
        { source: 'a', liveRows: 4 },
        { source: 'b', liveRows: 0, heldBy: [{ source: 'a', rows: 1 }] },
      ]);
      expect(await other.countAbove(-Infinity)).toBe(1);
      expect(await claim.removable(['t1', 't2'])).toEqual(['t1']);
    });

    test('goes to one of several others, which then share it', async () => {
      const { store, claim, other } = await shared(['t1']);
      const third = await store.claim(C);
      await third.startRun('incremental');
      await third.commit(changeOf({ tasks: TASKS }));
      expect(await claim.remove(['t1'])).toBe(0);
      expect(await store.status()).toMatchObject([
        { source: 'a', liveRows: 3 },
        { source: 'b', liveRows: 1 },
        {
          source: 'c',
          liveRows: 0,
          heldBy: [
            { source: 'a', rows: 3 },
            { source: 'b', rows: 1 },
          ],
        },
      ]);
      expect(await third.countAbove(-Infinity)).toBe(4);
      expect(await other.remove(['t1'])).toBe(0);
      expect(await statusOf(store, 'c')).toMatchObject({ liveRows: 1, heldBy: [{ source: 'a', rows: 3 }] });
    });

    test('is not handed to a source without a run for a week, which may have left the settings', async () => {
      const { store, claim, clock } = await shared(['t1', 't2']);
      clock.advance(WEEK - HOUR);
      await claim.renew();
      expect(await claim.removable(['t1'])).toEqual([]);
      clock.advance(2 * HOUR);
      const next = await store.claim(A);
      expect(await next.removable(['t1'])).toEqual(['t1']);
      expect(await next.remove(['t1'])).toBe(1);
    });

    test('is noted by a run that only compares it, once that is done', async () => {
      const { store, claim, other } = await shared([]);
      const run = await other.startRun('incremental');
      expect(await other.preview(TASKS.slice(0, 2))).toMatchObject({ unchanged: 2 });
      expect(await statusOf(store, 'b')).toMatchObject({ heldBy: [] });
      expect(await claim.remove(['t2'])).toBe(1);
      await other.finishRun(run, RECORD);
      expect(await statusOf(store, 'b')).toMatchObject({ heldBy: [{ source: 'a', rows: 1 }] });
      expect(await claim.remove(['t1'])).toBe(0);
    });

    test('is recorded in the commit that shows it, or not at all', async () => {
      const { store, claim, other } = await shared([]);
      const bad = mirrorTask('bad', 0, { status: null as unknown as string });
      await expect(other.commit(changeOf({ tasks: [...TASKS, bad] }))).rejects.toBeInstanceOf(Error);
      expect(await statusOf(store, 'b')).toMatchObject({ heldBy: [] });
      expect(await claim.removable(IDS)).toEqual(IDS);
    });
  });
}
