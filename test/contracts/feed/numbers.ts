import { describe, expect, test } from 'vitest';
import { B, changeOf, HOUR, mirrorTask, NEVER, RECORD, unstorable } from '../mirror-store/kit.ts';
import { allSince, completed, followed, type MakeFeed, running, short } from './kit.ts';

export function numbers(make: MakeFeed): void {
  describe('the numbers of changes', () => {
    test('begin with 1, and a mirror without a change has none', async () => {
      const { feed, put } = await followed(make);
      expect([await feed.head(), await allSince(feed, 0)]).toEqual([0, []]);
      await put(completed('x'));
      expect([await feed.head(), await allSince(feed, 0)]).toMatchObject([1, [{ seq: 1, taskId: 'x' }]]);
    });

    test('are of one counter for all sources: each change has its own', async () => {
      const { store, feed, put, claim } = await followed(make);
      const other = await store.claim(B);
      await put(completed('x'), completed('y'));
      await other.commit(changeOf({ tasks: [completed('z')] }));
      await put(completed('y', 9));
      await claim.remove(['x']);
      await other.commit(changeOf({ tasks: [completed('z', 9)] }));
      const seen = await allSince(feed, 0);
      expect(seen.map(({ taskId, source }) => [taskId, source])).toEqual([
        ['y', 'a'],
        ['x', 'a'],
        ['z', 'b'],
      ]);
      expect(seen.map(({ seq }) => seq)).toEqual([4, 5, 6]);
      expect(await feed.head()).toBe(6);
    });

    test('do not grow with what is no change of a task', async () => {
      const { store, claim, feed, put, clock } = await followed(make);
      await put(completed('x'), running('y'));
      await put(completed('x', 9));
      const before = [await feed.head(), await allSince(feed, 0)];
      await put(completed('x', 9), running('y'));
      await claim.commit(changeOf({ ledger: { watermark: clock.now(), gaps: [] }, total: 2 }));
      await expect(put(completed('new'), unstorable('bad'))).rejects.toBeInstanceOf(Error);
      await claim.prepareForReaders(NEVER);
      await claim.prune({ changesSince: clock.now() - HOUR, removedSince: null }, NEVER);
      await claim.finishRun(await claim.startRun('incremental'), RECORD);
      expect([await feed.head(), await allSince(feed, 0)]).toEqual(before);
      await claim.release();
      await store.renameSource('a', 'renamed');
      expect(await feed.head()).toBe(before[0]);
      const renamed = await allSince(feed, 0);
      expect(renamed.map(({ seq, source }) => [seq, source])).toEqual([
        [2, 'renamed'],
        [3, 'renamed'],
      ]);
    });

    test('do not grow when fields are cleared, by a step of their own or as a run meets their tasks', async () => {
      const { store, claim, feed, put, open, clock } = await followed(make);
      await put(mirrorTask('met', 0, { message: 'secret' }), mirrorTask('unmet', 0, { message: 'secret' }));
      const before = await feed.head();
      await claim.release();
      await store.close();
      const again = await (await open(['message'])).claim({ name: 'a', baseUrl: 'https://a.example' });
      clock.advance(HOUR);
      await again.commit(changeOf({ tasks: [mirrorTask('met', 0, { message: 'secret' })] }));
      await again.clearOmitted(NEVER);
      expect(await feed.head()).toBe(before);
      const seen = await allSince(feed, 0);
      expect(seen.map(({ task }) => task['message'])).toEqual([null, null]);
      // What is told of their last change is not the time of the clearing.
      for (const { observedAt, task } of seen) expect(observedAt).toBe(task['first_seen_at']);
      await again.commit(changeOf({ tasks: [running('met')] }));
      expect(short(await allSince(feed, before))).toEqual([
        ['met', 'changed', 'status', 'completed_at', 'message_count'],
      ]);
    });
  });
}
