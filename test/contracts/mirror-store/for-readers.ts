import { describe, expect, test } from 'vitest';
import { A, B, changeOf, everything, mirrorTask, NEVER, open, type Make } from './kit.ts';

export function forReaders(make: Make): void {
  describe('preparing for readers', () => {
    test('changes nothing that a run or a status can tell, however often', async () => {
      const { store, claim } = await open(make);
      await claim.commit(changeOf({ tasks: [mirrorTask('x'), mirrorTask('y')] }));
      const before = await everything(store);
      await claim.prepareForReaders(NEVER);
      await claim.prepareForReaders(NEVER);
      expect(await everything(store)).toEqual(before);
    });

    test('leaves commits and removals as they were', async () => {
      const { claim } = await open(make);
      await claim.commit(changeOf({ tasks: [mirrorTask('same'), mirrorTask('old')] }));
      await claim.prepareForReaders(NEVER);
      const old = mirrorTask('old', 0, { message: 'new words', error: 'new' });
      const tasks = [mirrorTask('same'), old, mirrorTask('new')];
      const counts = { inserted: 1, updated: 1, unchanged: 1 };
      expect(await claim.commit(changeOf({ tasks }))).toMatchObject(counts);
      expect(await claim.tasks(['old'])).toEqual([old]);
      expect(await claim.remove(['old', 'same'])).toBe(2);
      expect(await claim.countAbove(-Infinity)).toBe(1);
    });

    test('does nothing under a signal that has aborted', async () => {
      const { claim, clock, open: openAgain } = await open(make);
      const other = await openAgain();
      clock.advance(3_600_000);
      await other.claim(A);
      // Whatever it would write would show that the lease is lost.
      await expect(claim.prepareForReaders(AbortSignal.abort())).resolves.toBeUndefined();
    });

    test('is done for all sources by the first whose run gets there', async () => {
      const { store, claim } = await open(make);
      const other = await store.claim(B);
      await other.commit(changeOf({ tasks: [mirrorTask('b')] }));
      await claim.prepareForReaders(NEVER);
      // Nothing left to write: not even a lease that is lost would be noticed.
      await other.release();
      await expect(other.prepareForReaders(NEVER)).resolves.toBeUndefined();
    });
  });
}
