import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Feed } from '../../../src/store/feed.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { A, B, changeOf, NEVER, RECORD } from '../mirror-store/kit.ts';
import { completed, type Followed, followed, type MakeFeed, running, since } from './kit.ts';

/** A wait for the next change, and whether it has come. */
function waiting(feed: Feed, seq: number, signal: AbortSignal = NEVER) {
  const wait = { isOver: false, over: Promise.resolve() };
  const watch = async (): Promise<void> => {
    await feed.changed(seq, signal);
    wait.isOver = true;
  };
  wait.over = watch();
  return wait;
}

/** Lets seconds go by, one by one. What waits looks before a second is over: its questions come before ours. */
async function letPass({ clock, feed }: Pick<Followed, 'clock' | 'feed'>, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i += 1) {
    await setImmediate();
    await feed.head();
    clock.advance(1_000);
  }
}

/** Lets time go by until the wait is over. */
async function end(clock: FakeClock, wait: ReturnType<typeof waiting>): Promise<void> {
  while (!wait.isOver) {
    clock.advance(500);
    await setImmediate();
  }
  await wait.over;
}

export function following(make: MakeFeed): void {
  describe('waiting for a change', () => {
    test('ends when another process has committed one', async () => {
      const { feed, put, clock } = await followed(make);
      clock.hold();
      await put(running('x'));
      const wait = waiting(feed, 1);
      await letPass({ clock, feed }, 5);
      expect(wait.isOver).toBe(false);
      await put(completed('x'));
      await end(clock, wait);
    });

    test('ends at once if the last change is another one, though it was read', async () => {
      const { feed, put, clock } = await followed(make);
      clock.hold();
      await put(running('x'));
      expect(await feed.read(since(0))).toHaveLength(1);
      expect(await feed.head()).toBe(1);
      await feed.changed(0, NEVER);
      const wait = waiting(feed, 1);
      await letPass({ clock, feed }, 3);
      expect(wait.isOver).toBe(false);
      await put(running('y'));
      await end(clock, wait);
    });

    test('ends though somebody else has read the change through the same feed', async () => {
      const { feed, put, clock } = await followed(make);
      clock.hold();
      const wait = waiting(feed, 0);
      await letPass({ clock, feed }, 1);
      await put(running('x'));
      expect(await feed.read(since(0))).toHaveLength(1);
      await end(clock, wait);
    });

    test('ends at once if the mirror went back to an older state', async () => {
      const { feed, put } = await followed(make);
      await put(running('x'));
      await expect(feed.changed(2, NEVER)).resolves.toBeUndefined();
    });

    test('goes on while runs find nothing', async () => {
      const { store, claim, feed, put, clock } = await followed(make);
      clock.hold();
      await put(running('x'));
      const wait = waiting(feed, 1);
      await put(running('x'));
      await claim.finishRun(await claim.startRun('incremental'), RECORD);
      await claim.release();
      await store.claim(B);
      await letPass({ clock, feed }, 3);
      expect(wait.isOver).toBe(false);
      await (await store.claim(A)).commit(changeOf({ tasks: [running('y')] }));
      await end(clock, wait);
    });

    test('ends when it is given up, and may begin again', async () => {
      const { feed, clock, put } = await followed(make);
      clock.hold();
      await feed.changed(0, AbortSignal.abort());
      const stop = new AbortController();
      const wait = waiting(feed, 0, stop.signal);
      await letPass({ clock, feed }, 1);
      stop.abort(new Error('given up'));
      await wait.over;
      const again = waiting(feed, 0);
      await letPass({ clock, feed }, 3);
      expect(again.isOver).toBe(false);
      await put(running('x'));
      await end(clock, again);
    });
  });
}
