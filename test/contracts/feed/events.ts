import { describe, expect, test } from 'vitest';
import { at } from '../../support/tasks.ts';
import { B, changeOf, HOUR, NEVER } from '../mirror-store/kit.ts';
import { allSince, completed, followed, type MakeFeed, running, short } from './kit.ts';

export function events(make: MakeFeed): void {
  describe('a change', () => {
    test('has the row as it is now, and each field that changed with its old and its new value', async () => {
      const { feed, put, clock } = await followed(make);
      await put(running('x', 1));
      const cursor = await feed.head();
      await put(running('x', 2));
      const first = at(clock.now());
      await put(completed('x', 2));
      const last = at(clock.now());
      const [change, ...others] = await allSince(feed, cursor);
      expect(others).toEqual([]);
      expect(change).toMatchObject({ seq: 3, source: 'a', taskId: 'x', event: 'changed', observedAt: last });
      const completedAt = String(change?.task['completed_at']);
      const line = (seq: number, field: string, oldValue: string | null, newValue: string) =>
        ({ seq, field, oldValue, newValue, observedAt: seq === 2 ? first : last }) as const;
      expect(change?.changes).toEqual([
        line(2, 'message_count', '1', '2'),
        line(3, 'status', 'running', 'completed'),
        line(3, 'completed_at', null, completedAt),
      ]);
      expect(change?.task).toMatchObject({
        id: 'x',
        status: 'completed',
        show_in_history: 1n,
        message_count: 2n,
        changed_at: last,
        removed_at: null,
        seq: 3n,
        added_seq: 1n,
      });
      expect(Object.keys(change?.task ?? {}).slice(0, 3)).toEqual(['id', 'source', 'api_key_id']);
    });

    test('is added for a task that came after the cursor, whatever happened to it since', async () => {
      const { feed, put } = await followed(make);
      await put(running('x'));
      await put(completed('x'));
      expect(short(await allSince(feed, 0))).toEqual([['x', 'added', 'status', 'completed_at']]);
      expect(short(await allSince(feed, 1))).toEqual([['x', 'changed', 'status', 'completed_at']]);
    });

    test('is removed for a task that is gone, and returned for one that was and is back', async () => {
      const { claim, feed, put } = await followed(make);
      await put(completed('gone'), completed('back'), completed('still'));
      const cursor = await feed.head();
      await claim.remove(['gone', 'back']);
      const removal = await feed.head();
      expect(new Set(short(await allSince(feed, cursor)))).toEqual(
        new Set([
          ['gone', 'removed', 'removed_at'],
          ['back', 'removed', 'removed_at'],
        ]),
      );
      expect(short(await allSince(feed, 0)).at(-1)).toMatchObject([
        expect.anything(),
        'removed',
        'removed_at',
      ]);
      await put(completed('back', 7));
      expect(short(await allSince(feed, removal))).toEqual([
        ['back', 'returned', 'message_count', 'removed_at'],
      ]);
      await put(completed('back', 8));
      expect(short(await allSince(feed, (await feed.head()) - 1))).toEqual([
        ['back', 'changed', 'message_count'],
      ]);
    });

    test('is changed for a task that another source takes over', async () => {
      const { store, claim, feed, put } = await followed(make);
      const other = await store.claim(B);
      await put(completed('x'));
      await other.commit(changeOf({ tasks: [completed('x')] }));
      const cursor = await feed.head();
      await claim.remove(['x']);
      const [change] = await allSince(feed, cursor);
      expect(change).toMatchObject({ source: 'b', event: 'changed' });
      expect(change?.changes).toMatchObject([{ field: 'source', oldValue: 'a', newValue: 'b' }]);
    });

    test('is told of each task of a source that is forgotten', async () => {
      const { store, claim, feed, put } = await followed(make);
      await put(completed('x'), completed('y'));
      const cursor = await feed.head();
      await claim.release();
      await store.forgetSource('a', { removeTasks: true });
      const seen = await allSince(feed, cursor);
      expect(short(seen)).toEqual([
        ['x', 'removed', 'removed_at'],
        ['y', 'removed', 'removed_at'],
      ]);
    });

    test('keeps its number and its time when its lines are pruned; a task that is deleted is told no more', async () => {
      const { claim, feed, put, clock } = await followed(make);
      await put(running('x'), completed('gone'));
      const cursor = await feed.head();
      await put(running('x', 5));
      const changedAt = at(clock.now());
      await claim.remove(['gone']);
      clock.advance(HOUR);
      await claim.prune({ changesSince: clock.now(), removedSince: clock.now() }, NEVER);
      const [change, ...others] = await allSince(feed, cursor);
      expect(others).toEqual([]);
      expect(change).toMatchObject({ taskId: 'x', event: 'changed', changes: [], observedAt: changedAt });
      expect(await feed.head()).toBe(4);
    });
  });
}
