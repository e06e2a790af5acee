import { describe, expect, test } from 'vitest';
import type { TaskChange } from '../../../src/store/feed.ts';
import { createRandom } from '../../../src/source/simulated/random.ts';
import { B, changeOf, mirrorTask } from '../mirror-store/kit.ts';
import { allSince, completed, followed, type MakeFeed, running, short, since } from './kit.ts';

const ROUNDS = 60;
const IDS = Array.from({ length: 12 }, (_, i) => `t${i}`);

export function cursors(make: MakeFeed): void {
  describe('reading after a cursor', () => {
    test('gives each task once, by its last change, as many as were asked for', async () => {
      const { feed, put } = await followed(make);
      await put(running('x'), running('y'), running('z'));
      await put(completed('x'));
      const [first] = await feed.read(since(0, { limit: 1 }));
      expect(first).toMatchObject({ taskId: 'y', seq: 2 });
      expect(short(await feed.read(since(2, { limit: 1 })))).toEqual([['z', 'added']]);
      expect(short(await feed.read(since(2)))).toEqual([
        ['z', 'added'],
        ['x', 'changed', 'status', 'completed_at'],
      ]);
      expect(await feed.read(since(4))).toEqual([]);
    });

    test('page by page is of one moment: each task comes once, with all that changed until then', async () => {
      const { feed, put } = await followed(make);
      const message = 'a long message '.repeat(100_000);
      const counting = (count: number) => IDS.map((id) => ({ ...running(id, count), message }));
      await put(...counting(0));
      const cursor = await feed.head();
      await put(...counting(1));
      const pages = feed.pages(since(cursor));
      const changes = (await pages.next()).value ?? [];
      expect(changes.length).toBeLessThan(IDS.length);
      await put(...counting(2));
      for await (const page of pages) changes.push(...page);
      expect(idsOf(changes).toSorted()).toEqual(IDS.toSorted());
      expect(changes.map(({ changes: lines }) => lines.map(({ newValue }) => newValue))).toEqual(
        IDS.map(() => ['1']),
      );
      const later: TaskChange[] = [];
      for await (const page of feed.pages(since(cursor, { limit: 5 }))) later.push(...page);
      expect(later).toHaveLength(5);
      expect(later[0]?.changes.map(({ newValue }) => newValue)).toEqual(['1', '2']);
      const left = feed.pages(since(0));
      await left.next();
      await left.return();
      await put(running('new'));
      expect((await allSince(feed, 0)).at(-1)?.taskId).toBe('new');
    });

    test('gives a short page for long rows, and the rest after it', async () => {
      const { feed, put } = await followed(make);
      const message = 'a long message '.repeat(100_000);
      await put(...IDS.map((id) => mirrorTask(id, 0, { message })));
      const page = await feed.read(since(0));
      expect(page.length).toBeLessThan(IDS.length);
      expect(page.length).toBeGreaterThan(0);
      expect(idsOf(await allSince(feed, 0)).toSorted()).toEqual(IDS.toSorted());
    });

    test('gives only tasks in a status, or of some sources', async () => {
      const { store, feed, put } = await followed(make);
      await put(running('x'), completed('y'));
      const other = await store.claim(B);
      await other.commit(changeOf({ tasks: [running('z'), running("it's")] }));
      expect(idsOf(await allSince(feed, 0, { status: 'running' }))).toEqual(
        expect.arrayContaining(['x', 'z', "it's"]),
      );
      expect(idsOf(await allSince(feed, 0, { status: 'completed' }))).toEqual(['y']);
      expect(idsOf(await allSince(feed, 0, { status: 'completed', sources: ['b'] }))).toEqual([]);
      expect(idsOf(await allSince(feed, 0, { sources: ['a'] }))).toHaveLength(2);
      expect(idsOf(await allSince(feed, 0, { sources: ['a', 'b'] }))).toHaveLength(4);
      expect(idsOf(await allSince(feed, 1, { sources: ['none', 'b'], limit: 1 }))).toHaveLength(2);
    });

    test.each([1, 2, 3])(
      'misses nothing and tells nothing twice, whenever its reader is killed: history %i',
      async (seed) => {
        const { store, claim, feed, clock, openFeed } = await followed(make);
        const random = createRandom(seed);
        const pick = <T>(all: readonly T[]): T => all[Math.floor(random.next() * all.length)] as T;
        const claims = [claim, await store.claim(B)];
        const known = new Map<string, TaskChange>();
        const told = new Set<number>();
        let cursor = 0;
        /** Reads some pages from the last number on, and dies without a word. */
        const consume = async (most: number): Promise<void> => {
          const reader = await openFeed();
          for (let pages = 0; pages < most; pages += 1) {
            const page = await reader.read(since(cursor, { limit: 1 + Math.floor(random.next() * 5) }));
            if (page.length === 0) break;
            for (const change of page) {
              expect(change.seq).toBeGreaterThan(cursor);
              expect(told).not.toContain(change.seq);
              told.add(change.seq);
              cursor = change.seq;
              known.set(change.taskId, change);
            }
          }
          await reader.close();
        };
        for (let round = 0; round < ROUNDS; round += 1) {
          clock.advance(1_000);
          const ids = IDS.filter(() => random.next() < 0.3);
          const one = pick(claims);
          if (random.next() < 0.2) await one.remove(ids);
          else await one.commit(changeOf({ tasks: ids.map((id) => running(id, pick([1, 2, 3]))) }));
          if (random.next() < 0.5) await consume(1 + Math.floor(random.next() * 3));
        }
        await consume(Infinity);
        expect(cursor).toBe(await feed.head());
        const rows = await allSince(feed, 0);
        expect(rows.length).toBeGreaterThan(IDS.length / 2);
        expect([...known.values()].map(({ task }) => task).toSorted(bySeq)).toEqual(
          rows.map(({ task }) => task),
        );
      },
    );
  });
}

const idsOf = (changes: readonly TaskChange[]) => changes.map(({ taskId }) => taskId);
const bySeq = (a: TaskChange['task'], b: TaskChange['task']): number => Number(a['seq']) - Number(b['seq']);
