import { describe, expect, test } from 'vitest';
import { deliver } from '../../src/feed/delivery.ts';
import { beginHooks } from '../../src/feed/worker.ts';
import { HOOK_LEASE_MS } from '../../src/model/lease.ts';
import type { HookStore } from '../../src/store/hooks.ts';
import { DELIVERED, FAILED, FakeHook, GONE, hookBench, NEVER } from './kit.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

describe('a hook is told', () => {
  test('what happens after it began, in the order of the changes, each once', async () => {
    const hook = new FakeHook({ events: ['task.added', 'task.failed'] });
    const { feed, deps, pass } = await hookBench();
    feed.put('old', { status: 'pending' });
    await beginHooks([hook], deps);
    feed.put('a', { status: 'running' });
    feed.put('b', { status: 'failed' });
    feed.put('a', { status: 'failed' });
    expect(await pass(hook)).toMatchObject({ delivered: 4, nextAt: null });
    expect(hook.told).toEqual(['2 task.added', '3 task.added', '3 task.failed', '4 task.failed']);
    await pass(hook);
    expect(hook.sent).toHaveLength(4);
  });

  test('a task as it is now, and the fields that changed with the event', async () => {
    const hook = new FakeHook({ events: ['task.running'] });
    const { feed, pass } = await hookBench(hook);
    feed.put('a', { status: 'pending', message: 'hello' });
    feed.put('a', { status: 'running' });
    await pass(hook);
    expect(hook.sent[0]?.body).toEqual({
      type: 'task.running',
      timestamp: '2026-01-01T00:00:00.000Z',
      data: {
        seq: 2,
        source: 'team',
        task: expect.objectContaining({ id: 'a', status: 'running', message: 'hello', added_seq: 1 }),
        changes: [
          {
            field: 'status',
            old_value: 'pending',
            new_value: 'running',
            observed_at: '2026-01-01T00:00:00.000Z',
          },
        ],
      },
    });
  });

  test('only of the sources that it names', async () => {
    const hook = new FakeHook({ events: ['task.added'], sources: ['bots'] });
    const { feed, store, pass } = await hookBench(hook);
    feed.put('a', { status: 'pending' });
    feed.put('b', { status: 'pending', source: 'bots' });
    feed.put('c', { status: 'pending' });
    await pass(hook);
    expect(hook.told).toEqual(['2 task.added']);
    expect((await store.states())[0]?.place.seq).toBe(3);
  });

  test('every event of a long backlog in order, though tasks changed again and again', async () => {
    const hook = new FakeHook({ events: ['task.*'], maxPerRun: 1_000 });
    const { feed, pass } = await hookBench(hook);
    for (let round = 0; round < 3; round += 1) {
      for (let task = 0; task < 150; task += 1) feed.put(`t${(task * 7) % 150}`, { message: String(round) });
    }
    await pass(hook);
    const seqs = hook.sent.map(({ body }) => Number(body.data['seq']));
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(seqs).toHaveLength(450);
  });

  test('a backlog that takes minutes to read, though other processes ask for the hook meanwhile', async () => {
    const hook = new FakeHook({ events: ['task.added'], maxPerRun: 1_000 });
    const { feed, clock, deps, openStore } = await hookBench(hook);
    for (let task = 0; task < 350; task += 1) feed.put(`t${task}`, { status: 'pending' });
    const rival = await openStore();
    const claims: unknown[] = [];
    const read: typeof feed.read = async (question) => {
      clock.advance(HOOK_LEASE_MS / 3);
      claims.push(await rival.claim('alerts'));
      return feed.read(question);
    };
    await deliver(hook, { ...deps, feed: { head: () => feed.head(), read } }, NEVER);
    expect(claims).toEqual([null, null, null, null, null]);
    expect(hook.sent).toHaveLength(350);
  });

  test('nothing by a process that lost the hook while it read', async () => {
    const hook = new FakeHook({ events: ['task.added'], maxPerRun: 1_000 });
    const { feed, clock, deps, openStore } = await hookBench(hook);
    for (let task = 0; task < 350; task += 1) feed.put(`t${task}`, { status: 'pending' });
    const rival = await openStore();
    const read: typeof feed.read = async (question) => {
      clock.advance(HOOK_LEASE_MS / 3);
      await rival.replay('alerts', 0, 0);
      return feed.read(question);
    };
    const pass = await deliver(hook, { ...deps, feed: { head: () => feed.head(), read } }, NEVER);
    expect(pass.delivered).toBe(0);
    expect(hook.sent).toEqual([]);
    expect(feed.reads).toBe(1);
  });

  test('nothing while nothing has changed: neither the feed is read nor the state written', async () => {
    const hook = new FakeHook({ events: ['task.failed'] });
    const { feed, store, pass } = await hookBench(hook);
    feed.put('a', { status: 'pending' });
    await pass(hook);
    const [reads, state] = [feed.reads, await store.states()];
    await pass(hook);
    expect([feed.reads, await store.states()]).toEqual([reads, state]);
    expect(hook.sent).toEqual([]);
  });
});

describe('an event that fails', () => {
  test('is tried again after growing pauses, with the same id, and holds back what comes after it', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const { feed, clock, store, pass } = await hookBench(hook);
    hook.answers = [FAILED];
    feed.put('a', { status: 'pending' });
    feed.put('b', { status: 'pending' });
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const { nextAt } = await pass(hook);
      pauses.push((nextAt ?? 0) - clock.now());
      await pass(hook);
      clock.advance((nextAt ?? 0) - clock.now());
    }
    expect(pauses).toEqual([3_750, 7_500, 15_000, 30_000]);
    expect(new Set(hook.sent.map(({ id }) => id)).size).toBe(1);
    expect(hook.told).toEqual(Array(4).fill('1 task.added'));
    expect((await store.states())[0]).toMatchObject({ attempts: 4, failed: 4, lastError: 'answered 500' });
    hook.answers = [DELIVERED];
    await pass(hook);
    expect(hook.told.slice(4)).toEqual(['1 task.added', '2 task.added']);
    expect((await store.states())[0]).toMatchObject({ attempts: 0, failingSince: null, lastError: null });
  });

  test('is not tried by another process before the pause is over, even if that was about to begin', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const { feed, deps, pass, openStore } = await hookBench(hook);
    hook.answers = [FAILED];
    feed.put('a', { status: 'pending' });
    const store = await openStore();
    const claim: HookStore['claim'] = async (name) => {
      await pass(hook);
      return store.claim(name);
    };
    const late = { ...deps, store: { ...store, claim, close: () => store.close() } };
    const { nextAt } = await deliver(hook, late, NEVER);
    expect([hook.sent.length, nextAt]).toEqual([1, deps.clock.now() + 3_750]);
    expect(await (await openStore()).claim('alerts')).not.toBeNull();
  });

  test('waits as long as the receiver asks', async () => {
    const hook = new FakeHook();
    const { feed, clock, pass } = await hookBench(hook);
    hook.answers = [{ outcome: 'failed', reason: 'answered 429', retryAfterMs: 20 * MINUTE }];
    feed.put('a', { status: 'pending' });
    expect((await pass(hook)).nextAt).toBe(clock.now() + 20 * MINUTE);
  });

  test('is not delivered again for another event of the same change', async () => {
    const hook = new FakeHook({ events: ['task.*'] });
    const { feed, clock, pass } = await hookBench(hook);
    hook.answers = [DELIVERED, FAILED, DELIVERED];
    feed.put('a', { status: 'pending' });
    const { nextAt } = await pass(hook);
    clock.advance((nextAt ?? 0) - clock.now());
    await pass(hook);
    expect(hook.told).toEqual(['1 task.added', '1 task.pending', '1 task.pending']);
  });

  test('is given up after three days, and said; the queue goes on', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const { feed, clock, store, log, pass } = await hookBench(hook);
    hook.answers = [FAILED];
    feed.put('a', { status: 'pending' });
    await pass(hook);
    clock.advance(2 * DAY);
    feed.put('b', { status: 'pending' });
    await pass(hook);
    expect(await store.failures(10)).toEqual([]);
    clock.advance(DAY);
    await pass(hook);
    expect(await store.failures(10)).toMatchObject([
      { hook: 'alerts', type: 'task.added', seq: 1, taskId: 'a', source: 'team', reason: 'answered 500' },
    ]);
    expect(hook.told.slice(2)).toEqual(['1 task.added', '2 task.added']);
    expect(log.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: 'an event was given up: it is in hook_failures',
      }),
    );
  });

  test('is tried once, however old it is, before it is given up', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const { feed, clock, store, pass } = await hookBench(hook);
    hook.answers = [FAILED];
    feed.put('a', { status: 'pending' });
    clock.advance(10 * DAY);
    expect((await pass(hook)).nextAt).not.toBeNull();
    expect(await store.failures(10)).toEqual([]);
  });

  test('is set aside at once if the receiver is gone; the queue goes on', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const { feed, store, pass } = await hookBench(hook);
    hook.answers = [GONE, DELIVERED];
    feed.put('a', { status: 'pending' });
    feed.put('b', { status: 'pending' });
    await pass(hook);
    expect(hook.told).toEqual(['1 task.added', '2 task.added']);
    expect(await store.failures(10)).toMatchObject([{ seq: 1, reason: 'answered 410 (gone)' }]);
    expect((await store.states())[0]).toMatchObject({ setAside: 1, delivered: 1, attempts: 0 });
  });
});

describe('with a wait, an event', () => {
  test('is told when it is due, and only if the task is still in that status', async () => {
    const hook = new FakeHook({ events: ['task.awaiting_approval'], afterMs: 10 * MINUTE });
    const { feed, clock, pass } = await hookBench(hook);
    feed.put('a', { status: 'awaiting_approval' });
    clock.advance(MINUTE);
    feed.put('b', { status: 'awaiting_approval' });
    expect((await pass(hook)).nextAt).toBe(clock.now() + 9 * MINUTE);
    feed.put('a', { status: 'running' });
    clock.advance(9 * MINUTE);
    expect((await pass(hook)).nextAt).toBe(clock.now() + MINUTE);
    expect(hook.told).toEqual([]);
    clock.advance(MINUTE);
    await pass(hook);
    expect(hook.told).toEqual(['2 task.awaiting_approval']);
  });

  test('waits for an earlier one, though by a clock that was set back it is due before that', async () => {
    const hook = new FakeHook({ events: ['task.failed'], afterMs: 10 * MINUTE, maxPerRun: 1 });
    const { feed, clock, pass } = await hookBench(hook);
    feed.put('a', { status: 'failed' });
    clock.advance(-5 * MINUTE);
    feed.put('b', { status: 'failed' });
    feed.put('c', { status: 'failed' });
    clock.advance(10 * MINUTE);
    expect(await pass(hook)).toMatchObject({ delivered: 0, nextAt: clock.now() + 5 * MINUTE });
    clock.advance(5 * MINUTE);
    await pass(hook);
    expect(hook.sent.map(({ body }) => body.data['events'])).toEqual([3]);
  });

  test('that was observed before the clock was set back by far is due', async () => {
    const hook = new FakeHook({ events: ['task.failed'], afterMs: 10 * MINUTE });
    const { feed, clock, pass } = await hookBench(hook);
    feed.put('a', { status: 'failed' });
    clock.advance(-DAY);
    expect(await pass(hook)).toMatchObject({ delivered: 1, nextAt: null });
  });

  test('reads nothing again before the first one is due', async () => {
    const hook = new FakeHook({ events: ['task.failed'], afterMs: 10 * MINUTE });
    const { feed, deps, pass } = await hookBench(hook);
    feed.put('a', { status: 'failed' });
    const before = await pass(hook);
    const reads = feed.reads;
    feed.put('b', { status: 'failed' });
    expect(await deliver(hook, deps, NEVER, before)).toEqual(before);
    expect(feed.reads).toBe(reads);
  });
});

describe('more events than a hook is told one by one', () => {
  test('are one digest with their counts', async () => {
    const hook = new FakeHook({ events: ['task.*'], maxPerRun: 5 });
    const { feed, store, pass } = await hookBench(hook);
    for (let task = 0; task < 4; task += 1) feed.put(`t${task}`, { status: 'failed' });
    await pass(hook);
    expect(hook.sent).toHaveLength(1);
    expect(hook.sent[0]?.body).toMatchObject({
      type: 'hook.digest',
      data: {
        seq: 4,
        since: 0,
        events: 8,
        counts: { 'task.added': 4, 'task.failed': 4 },
        sources: { team: 8 },
        task: null,
      },
    });
    expect((await store.states())[0]?.place.seq).toBe(4);
    feed.put('later', { status: 'failed' });
    await pass(hook);
    expect(hook.told.slice(1)).toEqual(['5 task.added', '5 task.failed']);
  });

  test('are the same digest when it is tried again, though more has happened', async () => {
    const hook = new FakeHook({ events: ['task.added'], maxPerRun: 1 });
    const { feed, clock, pass } = await hookBench(hook);
    hook.answers = [FAILED, DELIVERED];
    feed.put('a', { status: 'pending' });
    feed.put('b', { status: 'pending' });
    const { nextAt } = await pass(hook);
    feed.put('c', { status: 'pending' });
    clock.advance((nextAt ?? 0) - clock.now());
    await pass(hook);
    expect(hook.told).toEqual(['2 hook.digest', '2 hook.digest']);
    expect(hook.sent[0]).toEqual(hook.sent[1]);
    await pass(hook);
    expect(hook.told.slice(2)).toEqual(['3 task.added']);
  });

  test('are no digest if the hook is to be told none of them any more', async () => {
    const hook = new FakeHook({ events: ['task.added'], maxPerRun: 1 });
    const { feed, clock, store, pass } = await hookBench(hook);
    hook.answers = [FAILED];
    feed.put('a', { status: 'pending' });
    feed.put('b', { status: 'pending' });
    await pass(hook);
    clock.advance(MINUTE);
    const changed = new FakeHook({ events: ['task.removed'], maxPerRun: 1 });
    await pass(changed);
    expect(changed.sent).toEqual([]);
    expect((await store.states())[0]).toMatchObject({ digestThrough: 0, place: { seq: 2 } });
  });

  test('as many as it allows are told one by one', async () => {
    const hook = new FakeHook({ events: ['task.added'], maxPerRun: 3 });
    const { feed, pass } = await hookBench(hook);
    for (const id of ['a', 'b', 'c']) feed.put(id, { status: 'pending' });
    await pass(hook);
    expect(hook.told).toEqual(['1 task.added', '2 task.added', '3 task.added']);
  });
});

describe('a replay', () => {
  test('tells again one by one what happened, however much, and then goes on', async () => {
    const hook = new FakeHook({ events: ['task.added'], maxPerRun: 2 });
    const { feed, store, clock, pass } = await hookBench(hook);
    for (const id of ['a', 'b', 'c', 'd']) feed.put(id, { status: 'pending' });
    await pass(hook);
    expect(hook.told).toEqual(['4 hook.digest']);
    expect(await store.replay('alerts', 1, 4)).toBe(true);
    expect((await pass(hook)).nextAt).toBe(clock.now());
    await pass(hook);
    expect(hook.told.slice(1)).toEqual(['2 task.added', '3 task.added', '4 task.added']);
  });

  test('tells every event of a change, though a pass ends within it', async () => {
    const hook = new FakeHook({ events: ['task.*'] });
    const { feed, store, pass } = await hookBench(hook);
    feed.put('first', { status: 'pending' });
    feed.put('first', { message_count: 2 });
    for (let task = 0; task < 600; task += 1) feed.put(`t${task}`, { status: 'pending' });
    await store.replay('alerts', 0, 602);
    while ((await pass(hook)).nextAt !== null);
    expect(hook.told).toHaveLength(1_203);
    expect(new Set(hook.told).size).toBe(1_203);
  });

  test('waits for what is not due', async () => {
    const hook = new FakeHook({ events: ['task.failed'], afterMs: 10 * MINUTE });
    const { feed, store, clock, pass } = await hookBench(hook);
    feed.put('a', { status: 'failed' });
    clock.advance(10 * MINUTE);
    feed.put('b', { status: 'failed' });
    await store.replay('alerts', 0, 2);
    expect(await pass(hook)).toMatchObject({ delivered: 1, nextAt: clock.now() + 10 * MINUTE });
    clock.advance(10 * MINUTE);
    while ((await pass(hook)).nextAt !== null);
    expect(hook.told).toEqual(['1 task.failed', '2 task.failed']);
  });

  test('ends the pause of a hook that fails', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const { feed, store, pass } = await hookBench(hook);
    hook.answers = [FAILED, DELIVERED];
    feed.put('a', { status: 'pending' });
    await pass(hook);
    await store.replay('alerts', 0, 1);
    await pass(hook);
    expect(hook.told).toEqual(['1 task.added', '1 task.added']);
  });

  test('of a hook that the mirror does not know is refused', async () => {
    const { store } = await hookBench();
    expect(await store.replay('alerts', 0, 1)).toBe(false);
  });
});
