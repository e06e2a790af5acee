import { describe, expect, test } from 'vitest';
import { LeaseHeldError } from '../../../src/model/errors.ts';
import { EMPTY_LEDGER, type Ledger } from '../../../src/model/ledger.ts';
import { at, EPOCH } from '../../support/tasks.ts';
import {
  A,
  B,
  HOUR,
  RECORD,
  changeOf,
  everything,
  mirrorTask,
  open,
  rejectedRow,
  runOf,
  unstorable,
  type Make,
} from './kit.ts';

export function state(make: Make): void {
  const ledgers: [string, Ledger][] = [
    ['nothing', EMPTY_LEDGER],
    ['a watermark without gaps', { watermark: EPOCH, gaps: [] }],
    ['a gap down to the end of the list', { watermark: EPOCH, gaps: [{ lower: null, upper: EPOCH }] }],
    [
      'several gaps',
      {
        watermark: EPOCH + 999,
        gaps: [
          { lower: EPOCH - 10, upper: EPOCH + 7 },
          { lower: EPOCH - 999_999, upper: EPOCH - 500_001 },
          { lower: null, upper: EPOCH - 10 ** 10 },
        ],
      },
    ],
    ['a gap below no watermark', { watermark: null, gaps: [{ lower: null, upper: EPOCH }] }],
  ];

  describe('the state of a source', () => {
    test.each(ledgers)('keeps a ledger to the millisecond: %s', async (_what, ledger) => {
      const { claim, open: openAgain } = await open(make);
      await claim.commit(changeOf({ ledger: { watermark: 1, gaps: [{ lower: 2, upper: 3 }] } }));
      await claim.commit(changeOf({ ledger }));
      expect((await claim.state()).ledger).toEqual(ledger);
      expect((await (await (await openAgain()).observe(A)).state()).ledger).toEqual(ledger);
    });

    test('keeps what a change leaves out, and takes null for null', async () => {
      const { claim } = await open(make);
      const ledger = { watermark: EPOCH, gaps: [{ lower: null, upper: EPOCH }] };
      await claim.commit(changeOf({ ledger, total: 42, surplus: -3, learnedOverlapMs: 600_000 }));
      const full = { ledger, total: 42, surplus: -3, learnedOverlapMs: 600_000 };
      expect(await claim.state()).toEqual(full);
      await claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
      expect(await claim.state()).toEqual(full);
      await claim.commit(changeOf({ total: null, surplus: null, ledger: EMPTY_LEDGER }));
      expect(await claim.state()).toEqual({
        ledger: EMPTY_LEDGER,
        total: null,
        surplus: null,
        learnedOverlapMs: 600_000,
      });
    });
  });
}

export function runs(make: Make): void {
  describe('the record of a run', () => {
    test('opens with the claim, unfinished, and tells everything once it is finished', async () => {
      const { store, claim, clock } = await open(make);
      const startedAt = at(clock.now());
      const unfinished = { source: 'a', startedAt, finishedAt: null, outcome: null };
      expect(await store.recentRuns(10)).toMatchObject([unfinished]);
      const id = await claim.startRun('reconcile');
      expect(await store.recentRuns(10)).toMatchObject([{ ...unfinished, id, kind: 'reconcile' }]);
      clock.advance(5_000);
      const record = { ...RECORD, outcome: 'partial', verdict: 'unproven', error: 'why' } as const;
      await claim.finishRun(id, record);
      const finishedAt = at(clock.now());
      expect(await store.recentRuns(10)).toEqual([
        { id, source: 'a', kind: 'reconcile', startedAt, finishedAt, ...record },
      ]);
    });

    test('comes newest first, as many as were asked for', async () => {
      const store = await (await make()).open();
      const ids: number[] = [];
      for (let i = 0; i < 4; i += 1) ids.unshift(await runOf(store, 'incremental'));
      expect((await store.recentRuns(3)).map(({ id }) => id)).toEqual(ids.slice(0, 3));
    });

    test.each(['given back', 'taken over'])(
      'that was left open is closed as interrupted by the next claim, and no other: the lease was %s',
      async (how) => {
        const { store, claim, clock, open: openAgain } = await open(make);
        const stale = await claim.startRun('backfill');
        if (how === 'given back') await claim.release();
        clock.advance(HOUR);
        const foreign = await (await store.claim(B)).startRun('incremental');
        const id = await (await (await openAgain()).claim(A)).startRun('incremental');
        const byId = new Map((await store.recentRuns(10)).map((run) => [run.id, run]));
        expect(byId.get(stale)).toMatchObject({
          kind: 'backfill',
          outcome: 'interrupted',
          finishedAt: at(clock.now()),
        });
        expect(byId.get(stale)?.error).toMatch(/ended/);
        for (const unfinished of [foreign, id]) {
          expect(byId.get(unfinished)).toMatchObject({ outcome: null, finishedAt: null });
        }
      },
    );

    test('gives the lease back as it is closed, once there is nothing left to prepare for readers', async () => {
      const { claim, open: openAgain } = await open(make);
      await claim.prepareForReaders(new AbortController().signal);
      await claim.finishRun(await claim.startRun('incremental'), RECORD);
      const next = await (await openAgain()).claim(A);
      expect(await next.commit(changeOf({ tasks: [mirrorTask('x')] }))).toMatchObject({ inserted: 1 });
      await claim.release();
      await next.renew();
    });

    test('keeps the lease when it is closed while something is left to prepare: until it is released', async () => {
      const { store, claim, open: openAgain } = await open(make);
      const id = await claim.startRun('backfill');
      await claim.finishRun(id, RECORD);
      const other = await openAgain();
      await expect(other.claim(A)).rejects.toBeInstanceOf(LeaseHeldError);
      await claim.prepareForReaders(new AbortController().signal);
      await claim.release();
      await other.claim(A);
      const closed = (await store.recentRuns(10)).find((run) => run.id === id);
      expect(closed).toMatchObject({ outcome: 'ok', error: null });
    });
  });
}

const numbered = (i: number, message: string) => mirrorTask(`t${String(i).padStart(3, '0')}`, i, { message });

export function commits(make: Make): void {
  describe('a commit', () => {
    test('keeps every field of a task exactly, unicode, newlines, nulls and empty texts included', async () => {
      const { claim } = await open(make);
      const text = 'Zeile 1\r\nline 2\t"quoted" \\ 日本語 🧑‍🚀 \u0000 e\u0301 \u2028 end ';
      const full = mirrorTask('id/with ?#% and ü', 1, {
        apiKeyId: text,
        message: text,
        systemPrompt: '',
        error: text,
        env: '{"":[1,null]}',
        extra: '{"priority":3}',
        status: 'a_new_status',
        showInHistory: false,
        messageCount: 2 ** 40,
      });
      const empty = mirrorTask('empty', 2, {
        apiKeyId: null,
        username: null,
        sessionId: null,
        conversationId: null,
        message: null,
        startedAt: null,
        completedAt: null,
        autoExecute: false,
      });
      await claim.commit(changeOf({ tasks: [full, empty] }));
      expect(await claim.tasks([empty.id, full.id])).toEqual([empty, full]);
    });

    test('says what it inserted, updated and left as it was; a preview says the same and writes nothing', async () => {
      const { store, claim } = await open(make);
      await claim.commit(changeOf({ tasks: [mirrorTask('same'), mirrorTask('old')] }));
      const tasks = [mirrorTask('same'), mirrorTask('old', 0, { messageCount: 9 }), mirrorTask('new')];
      const expected = {
        inserted: 1,
        updated: 1,
        unchanged: 1,
        insertedIds: ['new'],
        updatedIds: ['old'],
        healedIds: [],
        setAside: [],
      };
      const before = await everything(store);
      expect(await claim.preview(tasks)).toEqual(expected);
      expect(await everything(store)).toEqual(before);
      expect(await claim.commit(changeOf({ tasks }))).toEqual(expected);
    });

    test('that is repeated changes nothing', async () => {
      const { store, claim } = await open(make);
      const change = changeOf({
        tasks: [mirrorTask('x'), mirrorTask('y')],
        ledger: { watermark: EPOCH, gaps: [{ lower: null, upper: EPOCH - 5 }] },
        total: 2,
      });
      await claim.commit(change);
      const before = await everything(store);
      expect(await claim.commit(change)).toMatchObject({ inserted: 0, updated: 0, unchanged: 2 });
      expect(await everything(store)).toEqual(before);
    });

    test('tells new, changed and known tasks apart in whatever order they come', async () => {
      const { claim } = await open(make);
      const known = Array.from({ length: 100 }, (_, i) => numbered(i * 3, 'as it was'));
      await claim.commit(changeOf({ tasks: known }));
      const tasks = Array.from({ length: 300 }, (_, i) => numbered(i, i % 9 === 0 ? 'changed' : 'as it was'));
      const { insertedIds, updatedIds, unchanged } = await claim.commit(changeOf({ tasks }));
      const idsOf = (wanted: (i: number) => boolean) =>
        tasks.flatMap(({ id }, i) => (wanted(i) ? [id] : [])).toSorted();
      expect(insertedIds.toSorted()).toEqual(idsOf((i) => i % 3 !== 0));
      expect(updatedIds.toSorted()).toEqual(idsOf((i) => i % 9 === 0));
      expect(unchanged).toBe(100 - updatedIds.length);
      expect(await claim.tasks(tasks.map(({ id }) => id))).toEqual(tasks);
    });

    test('that shows a task twice, as pages that overlap do, counts it twice and keeps the later version', async () => {
      const { claim } = await open(make);
      const before = mirrorTask('b', 0, { message: 'before' });
      const after = mirrorTask('b', 0, { message: 'after' });
      const same = mirrorTask('a');
      const written = await claim.commit(changeOf({ tasks: [before, same, after, same] }));
      expect(written).toMatchObject({ inserted: 2, updated: 1, unchanged: 1, updatedIds: ['b'] });
      expect(await claim.tasks(['b'])).toEqual([after]);
    });

    test('takes a task whose activity went down as it is', async () => {
      const { claim } = await open(make);
      await claim.commit(changeOf({ tasks: [mirrorTask('x')] }));
      await claim.commit(changeOf({ tasks: [mirrorTask('x', HOUR)] }));
      expect(await claim.tasks(['x'])).toEqual([mirrorTask('x', HOUR)]);
    });

    test('that fails leaves nothing behind of its rows, rejections, ledger or total; the claim goes on', async () => {
      const { store, claim } = await open(make);
      await claim.commit(changeOf({ tasks: [mirrorTask('old')], total: 1 }));
      const before = await everything(store);
      const failing = changeOf({
        tasks: [
          mirrorTask('first'),
          mirrorTask('old', 0, { messageCount: 9 }),
          unstorable('bad'),
          mirrorTask('last'),
        ],
        rejected: [rejectedRow('r')],
        ledger: { watermark: EPOCH, gaps: [] },
        total: 99,
        surplus: 1,
        learnedOverlapMs: 1,
      });
      await expect(claim.commit(failing)).rejects.toBeInstanceOf(Error);
      expect(await everything(store)).toEqual(before);
      expect(await claim.tasks(['first', 'last'])).toEqual([]);
      expect(await claim.commit(changeOf({ tasks: [mirrorTask('next')] }))).toMatchObject({ inserted: 1 });
    });
  });
}
