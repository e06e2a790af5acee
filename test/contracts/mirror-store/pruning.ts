import { describe, expect, test } from 'vitest';
import { abortingAfter } from '../../support/abort.ts';
import { at } from '../../support/tasks.ts';
import { A, B, changeOf, everything, HOUR, mirrorTask, NEVER, open, statusOf, type Make } from './kit.ts';

const DAY = 24 * HOUR;
const STATUSES = ['pending', 'running', 'awaiting_approval', 'running', 'completed'];

/** A task that took a status a day, and as many other changes. */
async function changing(make: Make) {
  const mirror = await open(make);
  for (const [day, status] of STATUSES.entries()) {
    await mirror.claim.commit(
      changeOf({ tasks: [mirrorTask('x', 0, { status, messageCount: day }), mirrorTask('still')] }),
    );
    mirror.clock.advance(DAY);
  }
  return mirror;
}

const ago = (now: number, days: number) => ({ changesSince: now - days * DAY, removedSince: null });

export function pruning(make: Make): void {
  describe('pruning', () => {
    test('deletes the changes that are too old, but for the last one of a status', async () => {
      const { store, claim, clock } = await changing(make);
      // The changes came 4, 3, 2 and 1 days ago, two at a time.
      expect(await claim.prune(ago(clock.now(), 5), NEVER)).toEqual({ changes: 0, tasks: 0 });
      expect(await store.retention()).toEqual({ changesThrough: null, removedThrough: null });
      expect(await claim.prune(ago(clock.now(), 2.5), NEVER)).toEqual({ changes: 3, tasks: 0 });
      const changesThrough = at(clock.now() - 3 * DAY);
      expect(await store.retention()).toEqual({ changesThrough, removedThrough: null });
      expect(await claim.prune(ago(clock.now(), 2.5), NEVER)).toEqual({ changes: 0, tasks: 0 });
      // The status that was kept gives way to the next one.
      expect(await claim.prune(ago(clock.now(), 1.5), NEVER)).toEqual({ changes: 2, tasks: 0 });
      expect(await claim.prune(ago(clock.now(), 0), NEVER)).toEqual({ changes: 2, tasks: 0 });
      expect(await claim.prune(ago(clock.now() + DAY, 0), NEVER)).toEqual({ changes: 0, tasks: 0 });
    });

    test('deletes nothing of what it is not told to', async () => {
      const { store, claim, clock } = await changing(make);
      await claim.remove(['x']);
      clock.advance(DAY);
      const before = await everything(store);
      expect(await claim.prune({ changesSince: null, removedSince: null }, NEVER)).toEqual({
        changes: 0,
        tasks: 0,
      });
      expect(await everything(store)).toEqual(before);
    });

    test('deletes tasks that were removed too long ago, with their changes, and no live one', async () => {
      const { store, claim, clock } = await changing(make);
      const removedAt = at(clock.now());
      await claim.remove(['x']);
      clock.advance(DAY);
      const keep = (days: number) => ({ changesSince: null, removedSince: clock.now() - days * DAY });
      expect(await claim.prune(keep(1), NEVER)).toEqual({ changes: 0, tasks: 0 });
      expect(await claim.prune(keep(0.5), NEVER)).toEqual({ changes: 0, tasks: 1 });
      expect(await claim.tasks(['x', 'still'])).toMatchObject([{ id: 'still' }]);
      expect(await statusOf(store, 'a')).toMatchObject({ liveRows: 1, removedRows: 0 });
      expect(await store.retention()).toEqual({ changesThrough: null, removedThrough: removedAt });
      // Its changes are gone with it.
      expect(await claim.prune(ago(clock.now(), 0), NEVER)).toEqual({ changes: 0, tasks: 0 });
    });

    test('lets a task that was deleted come back as a new one, once a list shows it', async () => {
      const { claim, clock } = await changing(make);
      await claim.remove(['x']);
      clock.advance(DAY);
      await claim.prune({ changesSince: null, removedSince: clock.now() }, NEVER);
      expect(await claim.remove(['x'])).toBe(0);
      expect(await claim.tasks(['x'])).toEqual([]);
      expect(await claim.commit(changeOf({ tasks: [mirrorTask('x')] }))).toMatchObject({
        insertedIds: ['x'],
      });
    });

    test('is the same in interrupted steps, and covers all sources', async () => {
      const { store, claim, clock } = await open(make);
      const other = await store.claim(B);
      const ids = Array.from({ length: 2_500 }, (_, i) => `t${i}`);
      await other.commit(changeOf({ tasks: ids.map((id) => mirrorTask(id)) }));
      clock.advance(DAY);
      await other.commit(changeOf({ tasks: ids.map((id) => mirrorTask(id, 0, { messageCount: 9 })) }));
      clock.advance(DAY);
      expect(await claim.prune(ago(clock.now(), 0), AbortSignal.abort())).toEqual({ changes: 0, tasks: 0 });
      let [changes, calls] = [0, 0];
      for (; changes < ids.length; calls += 1) {
        changes += (await claim.prune(ago(clock.now(), 0), abortingAfter(2))).changes;
        expect(calls).toBeLessThan(10);
      }
      expect(changes).toBe(ids.length);
      expect(calls).toBeGreaterThan(1);
      await other.remove(ids);
      clock.advance(DAY);
      const { tasks } = await claim.prune({ changesSince: null, removedSince: clock.now() }, NEVER);
      expect(tasks).toBe(ids.length);
      expect(await store.status()).toMatchObject([
        { source: A.name, removedRows: 0 },
        { source: B.name, removedRows: 0 },
      ]);
    });
  });
}
