import { describe, expect, test } from 'vitest';
import { B, changeOf, mirrorTask, open, rejectedRow, statusOf, type Make } from './kit.ts';

export function sweeps(make: Make): void {
  const ids = Array.from({ length: 25 }, (_, i) => `t${String(i).padStart(2, '0')}`);
  const swept = async () => {
    const mirror = await open(make);
    await mirror.claim.commit(changeOf({ tasks: ids.map((id, i) => mirrorTask(id, i)) }));
    await mirror.claim.beginSweep();
    return mirror;
  };

  describe('a sweep', () => {
    test('knows which live rows it has not seen, in order and in batches, and forgets them with the next one', async () => {
      const { claim } = await swept();
      await claim.markSeen(['t03', 't07', 'unknown']);
      await claim.markSeen(['t07', ...ids.slice(10, 20)]);
      const unseen = ids.filter((id, i) => id !== 't03' && id !== 't07' && (i < 10 || i >= 20));
      expect(await claim.countUnseen()).toBe(13);
      expect(await claim.unseen('', 5)).toEqual(unseen.slice(0, 5));
      expect(await claim.unseen(unseen[4] ?? '', 100)).toEqual(unseen.slice(5));
      await claim.beginSweep();
      expect(await claim.countUnseen()).toBe(25);
    });

    test('has seen what a commit was given since it began: rows that stay, that change, that come, and that are rejected', async () => {
      const { claim } = await swept();
      const tasks = [mirrorTask('t05', 5), mirrorTask('t06', 6, { status: 'failed' }), mirrorTask('new', 30)];
      await claim.commit(changeOf({ tasks, rejected: [rejectedRow('t08'), rejectedRow(null)] }));
      expect(await claim.unseen('', 100)).toEqual(ids.filter((id) => !['t05', 't06', 't08'].includes(id)));
      await claim.beginSweep();
      expect(await claim.countUnseen()).toBe(26);
    });

    test('meets ids of every kind that a task may have', async () => {
      const { claim } = await swept();
      const odd = ['a\0b', 'a', '\0', '"quoted", [1]', '\\u0041', '\u2028', '\u{1F600} \u00e9', '1', '1.0'];
      await claim.commit(changeOf({ tasks: odd.map((id) => mirrorTask(id)) }));
      await claim.beginSweep();
      await claim.markSeen([...ids, ...odd.filter((id) => id !== 'a')]);
      expect(await claim.unseen('', 100)).toEqual(['a']);
    });

    test('removes softly: the row stays, and counts no more', async () => {
      const { store, claim } = await swept();
      expect(await claim.remove(['t01', 't02', 'unknown'])).toBe(2);
      expect(await claim.remove(['t01'])).toBe(0);
      expect(await claim.countUnseen()).toBe(23);
      expect(await claim.unseen('', 3)).toEqual(['t00', 't03', 't04']);
      expect(await claim.tasks(['t01'])).toHaveLength(1);
      expect(await statusOf(store, 'a')).toMatchObject({ liveRows: 23, removedRows: 2 });
    });

    test('removal is undone by a commit that shows the row again, though nothing else about it has changed', async () => {
      const { store, claim } = await swept();
      await claim.remove(['t01']);
      expect(await claim.preview([mirrorTask('t01', 1)])).toMatchObject({ updatedIds: ['t01'] });
      expect(await claim.commit(changeOf({ tasks: [mirrorTask('t01', 1)] }))).toMatchObject({ updated: 1 });
      expect(await statusOf(store, 'a')).toMatchObject({ liveRows: 25, removedRows: 0 });
    });

    test('forgets the rejected rows that it has not seen, with an id or without', async () => {
      const { store, claim } = await swept();
      const unnamed = [1, 2].map((n) => rejectedRow(null, { payload: `{"a":${n}}` }));
      await claim.commit(changeOf({ rejected: [rejectedRow('gone'), rejectedRow('there'), ...unnamed] }));
      await claim.beginSweep();
      await claim.commit(changeOf({ rejected: [rejectedRow('there'), ...unnamed.slice(1)] }));
      await claim.markSeen(['there']);
      await claim.forgetUnseenRejections(Infinity);
      expect(await statusOf(store, 'a')).toMatchObject({ rejectedRows: 2 });
      const { healedIds } = await claim.commit(
        changeOf({ tasks: [mirrorTask('gone'), mirrorTask('there')] }),
      );
      expect(healedIds).toEqual(['there']);
    });

    test('keeps rejected rows that were above a place in the list, also if a single read rejected them since', async () => {
      const { store, claim } = await swept();
      const rows = [10, 20].map((activity) => rejectedRow(`at-${activity}`, { activity }));
      await claim.commit(changeOf({ rejected: [...rows, rejectedRow('nowhere')] }));
      await claim.commit(changeOf({ rejected: [rejectedRow('at-20')] }));
      await claim.beginSweep();
      await claim.forgetUnseenRejections(19);
      expect(await statusOf(store, 'a')).toMatchObject({ rejectedRows: 1 });
      await claim.forgetUnseenRejections(20);
      expect(await statusOf(store, 'a')).toMatchObject({ rejectedRows: 0 });
    });

    test('is about its own source only', async () => {
      const { store, claim } = await swept();
      const other = await store.claim(B);
      await other.commit(changeOf({ tasks: [mirrorTask('b')], rejected: [rejectedRow('b-bad')] }));
      await other.beginSweep();
      await claim.markSeen(ids);
      await claim.markSeen(['b']);
      expect(await claim.countUnseen()).toBe(0);
      expect(await other.unseen('', 10)).toEqual(['b']);
      expect(await claim.remove(['b'])).toBe(0);
      await claim.forgetUnseenRejections(Infinity);
      expect(await statusOf(store, 'b')).toMatchObject({ liveRows: 1, rejectedRows: 1 });
    });
  });
}

export function rejections(make: Make): void {
  describe('a rejected row', () => {
    test('is kept once however often it comes, by its id or else by what it holds', async () => {
      const { store, claim } = await open(make);
      const rejected = [
        rejectedRow('x'),
        rejectedRow('x', { payload: '{"id":"x","status":7}', reason: 'another' }),
        rejectedRow(null, { payload: '{"a":1}' }),
        rejectedRow(null, { payload: '{"a":2}' }),
      ];
      await claim.commit(changeOf({ rejected }));
      await claim.commit(changeOf({ rejected }));
      expect(await statusOf(store, 'a')).toMatchObject({ rejectedRows: 3, liveRows: 0 });
    });

    test('is healed, and said to be, by a good version of its task; later versions heal nothing more', async () => {
      const { store, claim } = await open(make);
      await claim.commit(changeOf({ rejected: [rejectedRow('x'), rejectedRow('y')] }));
      const change = changeOf({ tasks: [mirrorTask('x'), mirrorTask('z')] });
      expect(await claim.commit(change)).toMatchObject({ healedIds: ['x'], insertedIds: ['x', 'z'] });
      expect(await claim.commit(change)).toMatchObject({ healedIds: [] });
      expect(await statusOf(store, 'a')).toMatchObject({ rejectedRows: 1, liveRows: 2 });
    });
  });
}
