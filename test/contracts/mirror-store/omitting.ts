import { describe, expect, test } from 'vitest';
import { LeaseHeldError } from '../../../src/model/errors.ts';
import type { OmittableField } from '../../../src/model/task.ts';
import { abortingAfter } from '../../support/abort.ts';
import {
  A,
  B,
  changeOf,
  everything,
  HOUR,
  mirrorTask,
  NEVER,
  open,
  rejectedRow,
  statusOf,
  type Make,
} from './kit.ts';

const OMIT: OmittableField[] = ['message', 'env'];
const SECRET = { message: 'a secret', env: '{"TOKEN":"secret"}' };

/** A mirror that has stored what it must not keep from now on, given back. */
async function storedBefore(make: Make) {
  const mirror = await open(make);
  const tasks = [mirrorTask('t1', 1, SECRET), mirrorTask('t2', 2, { ...SECRET, status: 'running' })];
  const payload = JSON.stringify({ id: 'r', status: 7, message: 'a secret' });
  await mirror.claim.commit(changeOf({ tasks, rejected: [rejectedRow('r', { payload })] }));
  await mirror.claim.commit(changeOf({ tasks: [mirrorTask('t1', 1, { message: 'another', env: null })] }));
  await mirror.claim.remove(['t1']);
  await mirror.claim.release();
  return mirror;
}

/** A rejected row without an id. */
const unnamed = (secret: string) => rejectedRow(null, { payload: `{"status":7,"message":"${secret}"}` });

export function omitting(make: Make): void {
  describe('fields that must not be kept', () => {
    test('are not stored, nor compared, whatever the core gives', async () => {
      const { store, open: openAgain } = await open(make);
      const claim = await (await openAgain(OMIT)).claim(B);
      await claim.commit(changeOf({ tasks: [mirrorTask('x', 0, SECRET)] }));
      expect(await claim.tasks(['x'])).toEqual([mirrorTask('x', 0, { message: null, env: null })]);
      const again = changeOf({ tasks: [mirrorTask('x', 0, { message: 'changed' })] });
      expect(await claim.commit(again)).toMatchObject({ unchanged: 1 });
      await claim.clearOmitted(NEVER);
      expect(await store.leftovers(OMIT)).toEqual([]);
    });

    test('are found wherever they were stored before', async () => {
      const { store } = await storedBefore(make);
      expect(await store.leftovers(OMIT)).toEqual([
        { field: 'message', tasks: 2, changes: 1, rejected: 1, inFreeSpace: true },
        { field: 'env', tasks: 1, changes: 1, rejected: 0, inFreeSpace: true },
      ]);
    });

    test.each([
      ['tasks that the mirror has as they are', [mirrorTask('t1', 1), mirrorTask('t2', 2)]],
      ['none', []],
    ])(
      'are cleared again if a rejected row brought them in between, beside tasks: %s',
      async (_what, tasks) => {
        const { store, claim, open: openAgain } = await open(make);
        await claim.release();
        const first = await (await openAgain(['error'])).claim(A);
        await first.commit(changeOf({ tasks: [mirrorTask('t1', 1), mirrorTask('t2', 2)] }));
        expect(await first.clearOmitted(NEVER)).toEqual({ cleared: ['error'], left: [] });
        await first.release();
        const second = await store.claim(A);
        const payload = '{"id":"r","error":"a secret"}';
        await second.commit(changeOf({ tasks, rejected: [rejectedRow('r', { payload })] }));
        await second.release();
        const third = await (await openAgain(['error'])).claim(A);
        await third.clearOmitted(NEVER);
        expect(await store.leftovers(['error'])).toEqual([]);
      },
    );

    test('are cleared from wherever they were stored before, and from nowhere else', async () => {
      const { open: openAgain, clock } = await storedBefore(make);
      clock.advance(HOUR);
      const store = await openAgain(OMIT);
      const claim = await store.claim(A);
      const before = await claim.tasks(['t1', 't2']);
      const status = await store.status();
      expect(await claim.clearOmitted(NEVER)).toEqual({ cleared: OMIT, left: [] });
      expect(await store.leftovers(OMIT)).toEqual([]);
      expect(await claim.tasks(['t1', 't2'])).toEqual(
        before.map((task) => ({ ...task, message: null, env: null })),
      );
      expect(await store.status()).toEqual(status);
      expect(await store.leftovers(['username'])).toMatchObject([{ field: 'username', tasks: 2 }]);
    });

    test('need no clearing again', async () => {
      const { open: openAgain } = await storedBefore(make);
      const store = await openAgain(OMIT);
      const claim = await store.claim(A);
      await claim.clearOmitted(NEVER);
      await claim.release();
      const before = await everything(store);
      // Nothing left to write: not even a lease that is lost is noticed.
      expect(await claim.clearOmitted(NEVER)).toEqual({ cleared: [], left: [] });
      expect(await everything(store)).toEqual(before);
    });

    test('are cleared by the next caller if a call was interrupted', async () => {
      const { open: openAgain } = await storedBefore(make);
      for (let steps = 1; ; steps += 1) {
        const store = await openAgain(OMIT);
        const claim = await store.claim(A);
        const { left } = await claim.clearOmitted(abortingAfter(steps));
        await claim.release();
        if (left.length === 0) break;
        expect(left).toEqual(OMIT);
        expect(steps).toBeLessThan(20);
      }
      expect(await (await openAgain()).leftovers(OMIT)).toEqual([]);
    });

    test('are reported as left if a call did nothing, under an aborted signal', async () => {
      const { open: openAgain } = await storedBefore(make);
      const claim = await (await openAgain(OMIT)).claim(A);
      expect(await claim.clearOmitted(AbortSignal.abort())).toEqual({ cleared: [], left: OMIT });
    });

    test('are cleared once more after a store that may keep them has written', async () => {
      const { open: openAgain } = await storedBefore(make);
      const first = await (await openAgain(OMIT)).claim(A);
      await first.clearOmitted(NEVER);
      await first.release();
      const keeping = await (await openAgain(['env'])).claim(A);
      await keeping.commit(changeOf({ tasks: [mirrorTask('t3', 3, SECRET)] }));
      await keeping.release();
      const store = await openAgain(OMIT);
      expect(await store.leftovers(OMIT)).toMatchObject([{ field: 'message', tasks: 1 }]);
      const { cleared } = await (await store.claim(A)).clearOmitted(NEVER);
      expect(cleared).toEqual(['message']);
      expect(await store.leftovers(OMIT)).toEqual([]);
    });

    test('that become more while some are being cleared are all cleared, and none that became allowed again', async () => {
      const { open: openAgain } = await storedBefore(make);
      const first = await (await openAgain(['message', 'username'])).claim(A);
      await first.clearOmitted(abortingAfter(1));
      await first.release();
      const store = await openAgain(['message', 'env']);
      const claim = await store.claim(A);
      await claim.clearOmitted(NEVER);
      expect(await store.leftovers(OMIT)).toEqual([]);
      const [task] = await claim.tasks(['t2']);
      expect(task).toMatchObject({ message: null, env: null });
      expect(await store.leftovers(['sessionId'])).toMatchObject([{ tasks: 2 }]);
    });

    test('are not cleared under a lease that was lost', async () => {
      const { open: openAgain, clock } = await storedBefore(make);
      const store = await openAgain(OMIT);
      const claim = await store.claim(A);
      clock.advance(HOUR);
      await (await openAgain()).claim(A);
      await expect(claim.clearOmitted(NEVER)).rejects.toBeInstanceOf(LeaseHeldError);
      expect(await store.leftovers(OMIT)).toMatchObject([{ tasks: 2 }, { tasks: 1 }]);
    });

    test('are not left in a rejected row, which then gets the key of the cleared payload', async () => {
      const { store, claim, open: openAgain } = await open(make);
      await claim.commit(changeOf({ rejected: [unnamed('one'), unnamed('two')] }));
      await claim.release();
      const next = await (await openAgain(['message'])).claim(A);
      await next.clearOmitted(NEVER);
      // They differed in nothing else: one is left, and it is the one that comes again.
      expect(await statusOf(store, 'a')).toMatchObject({ rejectedRows: 1 });
      await next.commit(changeOf({ rejected: [rejectedRow(null, { payload: '{"status":7}' })] }));
      expect(await statusOf(store, 'a')).toMatchObject({ rejectedRows: 1 });
    });
  });
}
