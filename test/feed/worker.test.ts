import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Hook } from '../../src/feed/delivery.ts';
import type { Sent } from '../../src/feed/sender.ts';
import { beginHooks, deliverNow, HookWorker } from '../../src/feed/worker.ts';
import { DatabaseError } from '../../src/model/errors.ts';
import { DELIVERED, FAILED, FakeHook, type HookBench, hookBench, NEVER } from './kit.ts';

/** A worker that runs until the test is done, on a clock that the test moves. */
async function working(...hooks: Hook[]): Promise<HookBench & { worker: HookWorker }> {
  const bench = await hookBench(...hooks);
  bench.clock.hold();
  const worker = new HookWorker(hooks, bench.deps as ConstructorParameters<typeof HookWorker>[1]);
  worker.start();
  onTestFinished(() => worker.stop());
  return { ...bench, worker };
}

/** Resolves once something holds: whatever is under way takes its turns. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settled();
}

/** An attempt that lasts until somebody gives it up. */
function untilAborted(signal: AbortSignal): Promise<Sent> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

describe('a worker', () => {
  test('tells hooks of each change as it is committed', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const { feed } = await working(hook);
    feed.put('a', { status: 'pending' });
    await until(() => hook.sent.length === 1);
    feed.put('b', { status: 'pending' });
    await until(() => hook.sent.length === 2);
    expect(hook.told).toEqual(['1 task.added', '2 task.added']);
  });

  test('tries again when the pause is over, though nothing changes', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    hook.answers = [FAILED, DELIVERED];
    const { feed, clock, log } = await working(hook);
    feed.put('a', { status: 'pending' });
    await until(() => clock.waits.includes(3_750));
    clock.advance(3_750);
    await until(() => log.lines.some(({ message }) => message === 'the hook works again'));
    expect(hook.told).toEqual(['1 task.added', '1 task.added']);
  });

  test('tells what waits when it is due', async () => {
    const hook = new FakeHook({ events: ['task.failed'], afterMs: 5_000 });
    const { feed, clock } = await working(hook);
    feed.put('a', { status: 'failed' });
    await until(() => clock.waits.includes(5_000));
    expect(hook.sent).toEqual([]);
    clock.advance(5_000);
    await until(() => hook.sent.length === 1);
  });

  test('is not held up by a hook that hangs', async () => {
    const hanging: Hook = {
      rules: new FakeHook({ name: 'hanging' }).rules,
      send: (_, signal) => untilAborted(signal),
    };
    const hook = new FakeHook({ events: ['task.added'] });
    const { feed } = await working(hanging, hook);
    for (let task = 1; task <= 50; task += 1) {
      feed.put(`t${task}`, { status: 'pending' });
      await until(() => hook.sent.length === task);
    }
    expect(hook.sent).toHaveLength(50);
  });

  test('goes on after an error of the database', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const { feed, clock, deps, log } = await working(hook);
    const read = deps.feed.read;
    deps.feed.read = () => Promise.reject(new DatabaseError('database_locked', { file: 'x' }, 'locked'));
    feed.put('a', { status: 'pending' });
    await until(() => clock.waits.includes(5_000));
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'the events of a hook could not be read' }),
    );
    deps.feed.read = read;
    clock.advance(5_000);
    await until(() => hook.sent.length === 1);
  });

  test('stops at once, and gives up what is under way', async () => {
    let begun = 0;
    const hanging: Hook = {
      rules: new FakeHook().rules,
      send: (_, signal) => {
        begun += 1;
        return untilAborted(signal);
      },
    };
    const { feed, worker, store } = await working(hanging);
    feed.put('a', { status: 'pending' });
    await until(() => begun === 1);
    await worker.stop();
    expect((await store.states())[0]).toMatchObject({ attempts: 0, place: { seq: 0 } });
  });
});

describe('two processes', () => {
  test('tell each event once, in order', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const bench = await hookBench(hook);
    const other = { ...bench.deps, store: await bench.openStore() };
    for (let task = 0; task < 40; task += 1) {
      bench.feed.put(`t${task}`, { status: 'pending' });
      await Promise.all([
        deliverNow([hook], bench.deps, NEVER),
        deliverNow([hook], other, NEVER),
        deliverNow([hook], other, NEVER),
      ]);
    }
    expect(hook.told).toEqual(Array.from({ length: 40 }, (_, task) => `${task + 1} task.added`));
  });

  test('begin a hook once', async () => {
    const hook = new FakeHook({ events: ['task.added'] });
    const bench = await hookBench();
    await beginHooks([hook], bench.deps);
    bench.feed.put('a', { status: 'pending' });
    await beginHooks([hook], { ...bench.deps, store: await bench.openStore() });
    await deliverNow([hook], bench.deps, NEVER);
    expect(hook.told).toEqual(['1 task.added']);
  });
});

test('an attempt that the time for all of them ends has failed', async () => {
  let begun = 0;
  const hanging: Hook = {
    rules: new FakeHook().rules,
    send: (_, signal) => {
      begun += 1;
      return untilAborted(signal);
    },
  };
  const { feed, deps, clock, store } = await hookBench(hanging);
  feed.put('a', { status: 'pending' });
  const delivering = deliverNow([hanging], deps, NEVER, () => clock.timeout(10_000));
  await until(() => begun === 1);
  clock.expireTimeouts();
  expect(await delivering).toBe(0);
  expect((await store.states())[0]).toMatchObject({
    attempts: 1,
    lastError: 'gave no answer in the time that was left',
  });
});

test('a time limit begins with the first attempt: what takes long to read is told all the same', async () => {
  const hook = new FakeHook({ events: ['task.added'] });
  const { feed, deps, clock } = await hookBench(hook);
  feed.put('a', { status: 'pending' });
  const read = deps.feed.read;
  deps.feed.read = (question) => {
    clock.expireTimeouts();
    return read(question);
  };
  expect(await deliverNow([hook], deps, NEVER, () => clock.timeout(10_000))).toBe(1);
});

test('what is delivered now leaves a pause to a later time', async () => {
  const failing = new FakeHook({ name: 'failing', events: ['task.added'] });
  failing.answers = [FAILED];
  const hook = new FakeHook({ events: ['task.added'] });
  const { feed, deps } = await hookBench(failing, hook);
  for (const id of ['a', 'b']) feed.put(id, { status: 'pending' });
  expect(await deliverNow([failing, hook], deps, NEVER)).toBe(2);
  expect(failing.sent).toHaveLength(1);
});
