import { describe, expect, test } from 'vitest';
import { eventsOf } from '../../src/feed/events.ts';
import { isEventPattern, matchesEvent } from '../../src/model/hook-events.ts';
import { EPOCH } from '../support/tasks.ts';
import { MemoryFeed } from '../support/memory-feed.ts';

/** The events of the only task of a feed, as `seq type`. */
async function eventsIn(feed: MemoryFeed, since = 0): Promise<string[]> {
  const [change] = await feed.read({ since, limit: 1 });
  return change === undefined ? [] : eventsOf(change, since).map(({ seq, type }) => `${seq} ${type}`);
}

describe('events of a task', () => {
  test('a new task is added, and comes into its first status', async () => {
    const feed = new MemoryFeed(() => EPOCH);
    feed.put('a', { status: 'pending' });
    expect(await eventsIn(feed)).toEqual(['1 task.added', '1 task.pending']);
  });

  test('each transition of the journal is an event with the number of its change', async () => {
    const feed = new MemoryFeed(() => EPOCH);
    feed.put('a', { status: 'pending' });
    feed.put('a', { status: 'running' });
    feed.put('a', { message_count: 3 });
    feed.put('a', { status: 'failed', error: 'boom', error_group: 'boom' });
    expect(await eventsIn(feed)).toEqual([
      '1 task.added',
      '1 task.pending',
      '2 task.changed',
      '2 task.running',
      '3 task.changed',
      '4 task.changed',
      '4 task.failed',
      '4 error_group.new',
    ]);
    expect(await eventsIn(feed, 2)).toEqual([
      '3 task.changed',
      '4 task.changed',
      '4 task.failed',
      '4 error_group.new',
    ]);
  });

  test('a removal and a return are events of their own', async () => {
    const feed = new MemoryFeed(() => EPOCH);
    feed.put('a', { status: 'completed' });
    feed.put('a', { removed_at: '2026-01-01T00:00:00.000Z' });
    feed.put('a', { removed_at: null });
    expect(await eventsIn(feed, 1)).toEqual(['2 task.removed', '3 task.returned']);
  });

  test('an error that was replaced by another has no group any more', async () => {
    const feed = new MemoryFeed(() => EPOCH);
    feed.put('a', { status: 'failed', error: 'one', error_group: 'one' });
    feed.put('a', { error: 'two', error_group: 'two' });
    expect(await eventsIn(feed)).toEqual([
      '1 task.added',
      '1 task.failed',
      '2 task.changed',
      '2 error_group.new',
    ]);
  });

  test('a change whose lines were pruned is still an event', () => {
    const events = eventsOf(
      {
        seq: 9,
        source: 'team',
        taskId: 'a',
        event: 'changed',
        observedAt: '2026-01-01T00:00:00.000Z',
        changes: [],
        task: { added_seq: 2n, seq: 9n, status: 'failed' },
      },
      5,
    );
    expect(events.map(({ seq, type }) => `${seq} ${type}`)).toEqual(['9 task.changed']);
  });

  test('a status of the API that is no name makes a name of at most 100 characters without NUL', async () => {
    const feed = new MemoryFeed(() => EPOCH);
    feed.put('a', { status: `odd\0${'x'.repeat(200_000)}` });
    expect((await eventsIn(feed))[1]).toBe(`1 task.odd\ufffd${'x'.repeat(91)}`);
  });

  test('an event of a status says whether the task has left it', async () => {
    const feed = new MemoryFeed(() => EPOCH);
    feed.put('a', { status: 'awaiting_approval' });
    feed.put('a', { status: 'running' });
    feed.put('a', { status: 'awaiting_approval' });
    const [change] = await feed.read({ since: 0, limit: 1 });
    const waits = change === undefined ? [] : eventsOf(change, 0);
    expect(waits.filter(({ type }) => type === 'task.awaiting_approval').map(({ isPast }) => isPast)).toEqual(
      [true, false],
    );
  });
});

describe('names of events', () => {
  test.each([
    ['*', 'source.failed', true],
    ['task.*', 'task.failed', true],
    ['task.*', 'error_group.new', false],
    ['task.failed', 'task.failed', true],
    ['task.failed', 'task.fail', false],
    ['source.*', 'source.recovered', true],
  ])('%s names %s: %s', (pattern, type, expected) => {
    expect(matchesEvent([pattern], type)).toBe(expected);
  });

  test.each(['task.failed', 'task.some_new_status', 'task.*', '*', 'error_group.new', 'source.*'])(
    '%s is accepted',
    (text) => {
      expect(isEventPattern(text)).toBe(true);
    },
  );

  test.each(['', 'failed', 'task.', 'task.Failed', 'tasks.failed', 'source.gone', 'task.**', 'hook.digest'])(
    '"%s" is refused',
    (text) => {
      expect(isEventPattern(text)).toBe(false);
    },
  );
});
