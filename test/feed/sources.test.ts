import { describe, expect, test } from 'vitest';
import { runOf } from '../contracts/mirror-store.ts';
import { finish, RECORD } from '../contracts/mirror-store/kit.ts';
import { DELIVERED, FAILED, FakeHook, hookBench } from './kit.ts';

const MINUTE = 60_000;
const SOURCES = ['source.failed', 'source.recovered'];
const A = { name: 'a', baseUrl: 'https://a.example' };

describe('a hook is told of a source', () => {
  test('at the first failed run after a good one, and at the first good one after that', async () => {
    const hook = new FakeHook({ events: SOURCES });
    const { mirror, pass } = await hookBench(hook);
    for (const outcome of ['ok', 'failed', 'failed', 'interrupted', 'partial', 'ok', 'failed'] as const) {
      await runOf(mirror, 'incremental', { outcome });
    }
    await pass(hook);
    expect(hook.sent.map(({ body }) => [body.type, (body.data['run'] as { id: number }).id])).toEqual([
      ['source.failed', 2],
      ['source.recovered', 5],
      ['source.failed', 7],
    ]);
    await pass(hook);
    expect(hook.sent).toHaveLength(3);
  });

  test('though the good run was told of long before', async () => {
    const hook = new FakeHook({ events: SOURCES });
    const { mirror, pass } = await hookBench(hook);
    await runOf(mirror, 'incremental');
    await pass(hook);
    await runOf(mirror, 'incremental', { outcome: 'failed' });
    await pass(hook);
    expect(hook.sent.map(({ body }) => body.type)).toEqual(['source.failed']);
  });

  test('again with the same id if it could not be told', async () => {
    const hook = new FakeHook({ events: SOURCES });
    const { mirror, clock, pass } = await hookBench(hook);
    hook.answers = [FAILED, DELIVERED];
    for (const outcome of ['ok', 'failed', 'ok'] as const) await runOf(mirror, 'incremental', { outcome });
    await pass(hook);
    clock.advance(MINUTE);
    await pass(hook);
    const [first, again, next] = hook.sent;
    expect([again?.id, again?.body.type, next?.body.type]).toEqual([
      first?.id,
      'source.failed',
      'source.recovered',
    ]);
  });

  test('that failed, with a wait, only if it still fails then', async () => {
    const hook = new FakeHook({ events: ['source.failed'], afterMs: 10 * MINUTE });
    const { mirror, clock, pass } = await hookBench(hook);
    for (const outcome of ['ok', 'failed', 'ok'] as const) await runOf(mirror, 'incremental', { outcome });
    clock.advance(MINUTE);
    await runOf(mirror, 'incremental', { outcome: 'failed' });
    expect((await pass(hook)).nextAt).toBe(clock.now() + 10 * MINUTE);
    clock.advance(10 * MINUTE);
    await pass(hook);
    expect(hook.sent.map(({ body }) => (body.data['run'] as { id: number }).id)).toEqual([4]);
  });

  test('not again of what it was before it was renamed', async () => {
    const hook = new FakeHook({ events: SOURCES });
    const { mirror, pass } = await hookBench(hook);
    for (const outcome of ['ok', 'failed', 'ok'] as const) await runOf(mirror, 'incremental', { outcome });
    await pass(hook);
    await mirror.renameSource('a', 'b');
    await pass(hook);
    expect(hook.sent).toHaveLength(2);
  });

  test('whatever its name is', async () => {
    const hook = new FakeHook({ events: SOURCES });
    const { mirror, pass } = await hookBench(hook);
    const source = { name: 'constructor', baseUrl: 'https://c.example' };
    for (const outcome of ['ok', 'failed'] as const)
      await finish(await mirror.claim(source), 'incremental', { outcome });
    await pass(hook);
    await finish(await mirror.claim(source), 'incremental');
    await pass(hook);
    await pass(hook);
    expect(hook.sent.map(({ body }) => body.type)).toEqual(SOURCES);
  });

  test('also if more runs have ended than are looked at together', async () => {
    const hook = new FakeHook({ events: SOURCES });
    const { mirror, clock, pass } = await hookBench(hook);
    for (let run = 0; run < 1_100; run += 1) await runOf(mirror, 'incremental');
    await runOf(mirror, 'incremental', { outcome: 'failed' });
    expect((await pass(hook)).nextAt).toBe(clock.now());
    expect((await pass(hook)).nextAt).toBeNull();
    expect(hook.sent.map(({ body }) => body.type)).toEqual(['source.failed']);
  });

  test('only if it names the source', async () => {
    const hook = new FakeHook({ events: SOURCES, sources: ['other'] });
    const { mirror, pass } = await hookBench(hook);
    for (const outcome of ['ok', 'failed'] as const) await runOf(mirror, 'incremental', { outcome });
    await pass(hook);
    expect(hook.sent).toEqual([]);
  });
});

describe('the first backfill of a source', () => {
  test('is told to nobody; what comes after it is', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const { mirror, feed, clock, store, pass } = await hookBench(hook);
    const claim = await mirror.claim(A);
    const run = await claim.startRun('backfill');
    feed.put('x', { status: 'failed', source: 'a' });
    feed.put('other', { status: 'failed', source: 'b' });
    await pass(hook);
    clock.advance(1_000);
    feed.put('y', { status: 'failed', source: 'a' });
    await claim.finishRun(run, RECORD);
    await claim.release();
    await pass(hook);
    clock.advance(1_000);
    feed.put('z', { status: 'failed', source: 'a' });
    await pass(hook);
    expect(hook.sent.map(({ body }) => (body.data['task'] as { id: string }).id)).toEqual(['other', 'z']);
    expect((await store.states())[0]?.place.seq).toBe(4);
  });

  test('is quiet also if a hook looks only after the run that follows it', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const { mirror, feed, clock, pass } = await hookBench(hook);
    const claim = await mirror.claim(A);
    const run = await claim.startRun('backfill');
    feed.put('x', { status: 'failed', source: 'a' });
    await claim.finishRun(run, RECORD);
    await claim.release();
    clock.advance(1_000);
    const next = await mirror.claim(A);
    const following = await next.startRun('incremental');
    feed.put('y', { status: 'failed', source: 'a' });
    await next.finishRun(following, RECORD);
    await next.release();
    await pass(hook);
    expect(hook.told).toEqual(['2 task.added']);
  });
});
