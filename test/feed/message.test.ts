import { describe, expect, test } from 'vitest';
import { eventsOf } from '../../src/feed/events.ts';
import { digestMessage, type HookMessage, runMessage, taskMessage } from '../../src/feed/message.ts';
import { slackText } from '../../src/feed/slack.ts';
import type { Cell } from '../../src/store/queryable.ts';
import { MemoryFeed } from '../support/memory-feed.ts';
import { EPOCH } from '../support/tasks.ts';

/** The message of the first event of a task with these fields, and these changes after it. */
async function messageOf(
  fields: Record<string, Cell>,
  ...changes: Record<string, Cell>[]
): Promise<HookMessage> {
  const feed = new MemoryFeed(() => EPOCH);
  feed.put('a', { status: 'failed', ...fields });
  for (const change of changes) feed.put('a', change);
  const since = changes.length === 0 ? 0 : 1;
  const [task] = await feed.read({ since, limit: 1 });
  const [event] = task === undefined ? [] : eventsOf(task, since);
  if (event === undefined) throw new Error('no event');
  return taskMessage('alerts', event);
}

describe('a message', () => {
  test('of usual size is whole', async () => {
    const { body } = await messageOf({ message: 'x'.repeat(5_000) });
    expect(body.data).not.toHaveProperty('cut');
    expect(body.data['task']).toMatchObject({ message: 'x'.repeat(5_000) });
  });

  test('stays below 20 KB: long texts are cut, marked and named', async () => {
    const { text, body } = await messageOf({ message: 'ä'.repeat(300_000), error: 'short' });
    expect(Buffer.byteLength(text)).toBeLessThan(20_000);
    expect(body.data['task']).toMatchObject({
      message: expect.stringMatching(/^ä+\.\.\. \[cut\]$/),
      error: 'short',
    });
    expect(body.data['cut']).toEqual(['task.message']);
  });

  test('stays below 20 KB though every field is long, and every character of it takes six bytes', async () => {
    const names = Array.from({ length: 25 }, (_, n) => `field_${n}`);
    const long = (text: string) => Object.fromEntries(names.map((name) => [name, text.repeat(9_000)]));
    const { text, body } = await messageOf(long('\u0001'), long('\u0002'));
    expect(Buffer.byteLength(text)).toBeLessThan(20_000);
    expect(body.data).toMatchObject({
      seq: 2,
      task: { id: 'a', status: 'failed', source: 'team' },
      changes: [],
      cut: ['task', 'changes'],
    });
  });

  test('stays below 20 KB though it counts more types of events than fit', () => {
    const types = Array.from({ length: 900 }, (_, n) => [`task.${String(n).padEnd(95, '\u0001')}`, n + 1]);
    const counts = Object.fromEntries(types) as Record<string, number>;
    const digest = {
      since: 0,
      through: 9,
      at: '2026-01-01T00:00:00.000Z',
      events: 1_000,
      counts,
      sources: {},
    };
    const { text, body } = digestMessage('alerts', digest);
    expect(Buffer.byteLength(text)).toBeLessThan(20_000);
    const left = Object.values(body.data['counts'] ?? {});
    expect([left.length, left[0]]).toEqual([20, 900]);
    expect(body.data['cut']).toEqual(['counts']);
  });

  test('has numbers that JSON can hold', async () => {
    const { body } = await messageOf({ run_ms: 5n, queue_ms: 2n ** 60n });
    expect(body.data['task']).toMatchObject({ run_ms: 5, queue_ms: '1152921504606846976' });
  });

  test('has an id of hook, type, change and task: equal ones are the same event', async () => {
    const [a, again] = [await messageOf({}), await messageOf({})];
    expect(a.id).toMatch(/^msg_[\w-]{27}$/);
    expect(again.id).toBe(a.id);
    expect((await messageOf({}, { status: 'completed' })).id).not.toBe(a.id);
  });

  test('of a source has its run', () => {
    const run = {
      id: 7,
      source: 'team',
      kind: 'incremental',
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:00:05.000Z',
      outcome: 'failed',
      error: 'the API answers 503',
    } as const;
    const { body } = runMessage('alerts', { type: 'source.failed', at: run.finishedAt, run, isPast: false });
    expect(body).toEqual({
      type: 'source.failed',
      timestamp: '2026-01-01T00:00:05.000Z',
      data: {
        seq: null,
        source: 'team',
        task: null,
        changes: [],
        run: {
          id: 7,
          kind: 'incremental',
          started_at: '2026-01-01T00:00:00.000Z',
          finished_at: '2026-01-01T00:00:05.000Z',
          outcome: 'failed',
          error: 'the API answers 503',
        },
      },
    });
  });
});

test('Slack is told the task in a few lines, in which nothing is a mention or a link', async () => {
  const { body } = await messageOf(
    { username: 'ann', message: 'Ask <!channel> & all\nnow', error: 'x'.repeat(400) },
    { status: 'completed' },
  );
  const { text } = JSON.parse(slackText(body)) as { text: string };
  expect(text.split('\n')).toEqual([
    '*task.changed* (team)',
    'task a by ann: completed',
    'changed: status',
    '> Ask &lt;!channel&gt; &amp; all now',
    `> ${'x'.repeat(300)}...`,
  ]);
});
