import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import {
  type ChangesOptions,
  InterruptedError,
  type Mirror,
  openMirrorReadOnly,
  type TaskChange,
  UsageError,
} from '../../src/index.ts';
import { completedTask, EPOCH, runningTask } from '../support/tasks.ts';
import { type LibraryBench, libraryBench, rejectionOf } from './open.ts';

const MINUTE = 60_000;

let bench: LibraryBench;
beforeEach(async () => {
  bench = await libraryBench([completedTask('old', EPOCH - MINUTE), runningTask('open', EPOCH)]);
  await bench.mirror.sync(bench.options);
});

async function all(options?: ChangesOptions): Promise<TaskChange[]> {
  const changes: TaskChange[] = [];
  for await (const change of bench.mirror.changes(options)) changes.push(change);
  return changes;
}

async function sync(): Promise<void> {
  await bench.mirror.sync(bench.options);
}

test('changes are the tasks as they are now, with plain values, and what changed of them', async () => {
  expect((await all()).map(({ seq, event }) => [seq, event])).toEqual([
    [1, 'added'],
    [2, 'added'],
  ]);
  bench.list.put(completedTask('open', EPOCH + MINUTE, { messageCount: 9 }));
  await sync();
  const [change, ...others] = await all({ since: 2 });
  expect(others).toEqual([]);
  expect(change).toMatchObject({
    seq: 3,
    source: 'default',
    taskId: 'open',
    event: 'changed',
    task: { id: 'open', status: 'completed', message_count: 9, show_in_history: 1, seq: 3 },
  });
  expect(change?.changes.find(({ field }) => field === 'status')).toMatchObject({
    seq: 3,
    oldValue: 'running',
    newValue: 'completed',
  });
  expect((await all({ status: 'completed' })).map(({ taskId }) => taskId)).toEqual(['old', 'open']);
  expect(await all({ source: 'other' })).toEqual([]);
  expect(await all({ source: ['other', 'default'], since: 1 })).toHaveLength(2);
});

test('a loop that follows gets what a sync brings, until it is left', async () => {
  const reader = await openMirrorReadOnly(bench.file);
  const loop = reader.changes({ follow: true })[Symbol.asyncIterator]();
  const next = loop.next();
  await setImmediate();
  bench.list.put(completedTask('fresh', EPOCH + MINUTE));
  await sync();
  expect(await next).toMatchObject({ done: false, value: { taskId: 'fresh', event: 'added' } });
  await loop.return?.();
  await reader.close();
});

test.each([
  ['its signal', async (_mirror: Mirror, stop: AbortController) => stop.abort(new Error('enough'))],
  ['the end of the mirror', async (mirror: Mirror) => mirror.close()],
])('a loop that waits is ended by %s, and says so', async (_what, end) => {
  const stop = new AbortController();
  const loop = bench.mirror.changes({ follow: true, signal: stop.signal })[Symbol.asyncIterator]();
  const next = rejectionOf(loop.next());
  await setImmediate();
  await end(bench.mirror, stop);
  expect(await next).toBeInstanceOf(InterruptedError);
  expect(await loop.next()).toEqual({ done: true, value: undefined });
});

test('a loop that nobody goes on with does not hold up the end of the mirror', async () => {
  const loop = bench.mirror.changes()[Symbol.asyncIterator]();
  await loop.next();
  await bench.mirror.close();
  expect(await rejectionOf(loop.next())).toBeInstanceOf(InterruptedError);
  expect(() => bench.mirror.changes()).toThrow(UsageError);
});

test.each([
  [{ since: -1 }, /since is a number: expected the number of a change, start or now/],
  [{ since: 1.5 }, /since/],
  [{ since: 'yesterday' }, /since is a string/],
  [{ follow: 'yes' }, /follow/],
  [{ source: [1] }, /source/],
  [{ sources: 'a' }, /there is no option sources/],
])('options that cannot be used are refused at once: %o', (options, message) => {
  expect(() => bench.mirror.changes(options as ChangesOptions)).toThrow(message);
});

test('a number that the mirror has not reached is refused', async () => {
  expect(await rejectionOf(all({ since: 3 }))).toMatchObject({ code: 'cursor_ahead' });
});
