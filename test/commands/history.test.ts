import { stripVTControlCharacters } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { history } from '../../src/cli/commands/history.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { UsageError } from '../../src/model/errors.ts';
import type { Task } from '../../src/model/task.ts';
import { changeOf, mirrorTask } from '../contracts/mirror-store.ts';
import { at } from '../support/tasks.ts';
import { askedMirror, type AskedMirror } from './asked-mirror.ts';
import { historyText } from '../../src/render/views/history.ts';
import { widthOf } from '../../src/render/text.ts';
import { told } from '../support/told.ts';

const ID = '0b2d3e4f-1111';
const LONG = `${'very long words '.repeat(20)}\u001b[2J`;

let mirror: AskedMirror;
let times: string[];

/** First seen, run, failed, removed and returned, a minute apart. */
beforeEach(async () => {
  mirror = await askedMirror();
  times = [];
  const step = async (work: Promise<unknown>): Promise<void> => {
    await work;
    times.push(at(mirror.clock.now()));
    mirror.clock.advance(60_000);
  };
  const commit = (fields: Partial<Task>) =>
    mirror.claim.commit(changeOf({ tasks: [mirrorTask(ID, 0, { env: '{"A":"1"}', ...fields })] }));
  await step(commit({ status: 'running' }));
  await step(commit({ status: 'failed', error: LONG }));
  await step(mirror.claim.remove([ID]));
  await step(commit({ status: 'failed', error: LONG }));
  await mirror.claim.commit(
    changeOf({ tasks: [mirrorTask('0b2dffff'), mirrorTask('other'), mirrorTask('日本語-1')] }),
  );
});

async function printed(id: string, { columns, json = false }: { columns?: number; json?: boolean } = {}) {
  const context = mirror.contextFor(columns);
  expect(await history(context, id, { json })).toBe(EXIT.done);
  return context.stdout;
}

const event = (index: number, fields: object) => ({
  observed_at: times[index],
  field: null,
  old_value: null,
  new_value: null,
  ...fields,
});

describe('history', () => {
  test('as JSON: the whole row, and all that the journal saw, in order', async () => {
    const { task, events } = JSON.parse((await printed(ID, { json: true })).text) as {
      task: Record<string, unknown>;
      events: Record<string, unknown>[];
    };
    expect(task).toMatchObject({
      id: ID,
      status: 'failed',
      error: LONG,
      env: '{"A":"1"}',
      removed_at: null,
      message_count: 2,
    });
    expect(Object.keys(task)).toHaveLength(27);
    expect(events).toEqual([
      event(0, { event: 'first seen' }),
      event(1, { event: 'changed', field: 'status', old_value: 'running', new_value: 'failed' }),
      event(1, { event: 'changed', field: 'error', new_value: LONG }),
      event(2, { event: 'removed' }),
      event(3, { event: 'returned' }),
    ]);
  });

  test('for people: a time once, a line for each field; a pipe gets long values whole', async () => {
    const { text } = await printed(ID);
    const shown = LONG.replace('\u001b', '\\u001b');
    expect(text.split('\n\n')[1]).toBe(
      [
        `${times[0]}  first seen`,
        `${times[1]}  status: running → failed`,
        `${' '.repeat(26)}error: NULL → ${shown}`,
        `${times[2]}  removed`,
        `${times[3]}  returned`,
        '',
      ].join('\n'),
    );
    expect(text).toMatch(new RegExp(`^error +${LONG.slice(0, 200)}`, 'm'));
    expect(text).not.toContain('\u001b');
  });

  test('says up to when older changes were pruned, of a task that was there then', async () => {
    const keep = { changesSince: mirror.clock.now() - 150_000, removedSince: null };
    await mirror.claim.prune(keep, new AbortController().signal);
    await mirror.claim.commit(changeOf({ tasks: [mirrorTask('later')] }));
    const eventsOf = async (id: string): Promise<unknown> =>
      (JSON.parse((await printed(id, { json: true })).text) as { events: unknown }).events;
    expect(await eventsOf(ID)).toEqual([
      event(0, { event: 'first seen' }),
      event(1, { event: 'older changes pruned' }),
      // The last change of the status stays.
      event(1, { event: 'changed', field: 'status', old_value: 'running', new_value: 'failed' }),
      event(2, { event: 'removed' }),
      event(3, { event: 'returned' }),
    ]);
    expect((await printed(ID)).text).toContain(`${times[1]}  older changes pruned\n`);
    expect(await eventsOf('later')).toMatchObject([{ event: 'first seen' }]);
  });

  test('cuts no time at 80 columns: the new one has a line of its own', () => {
    const [old, now, then] = [0, 1, 2].map((nth) => `2026-01-26T12:00:0${nth}.000Z`);
    const rows = [
      [then, 'changed', 'last_activity_at', old, now],
      [then, 'changed', 'message', 'old words '.repeat(20), 'new words '.repeat(20)],
    ] as string[][];
    const lines = historyText(rows, 80).split('\n');
    expect(lines.filter((line) => widthOf(line) > 80)).toEqual([]);
    expect(lines.slice(0, 2)).toEqual([
      `${then}  last_activity_at: ${old}`,
      `                                          → ${now}`,
    ]);
    expect(lines[2]).toMatch(/^ {26}message: old words .*… → new words .*…$/);
  });

  test.each([60, 80, 120])('fits a terminal of %i columns', async (columns) => {
    const { lines } = await printed(ID, { columns });
    const widths = lines.map((line) => stripVTControlCharacters(line).length);
    expect(Math.max(...widths)).toBe(columns);
    expect(lines.join('\n')).toContain('error: NULL → very long words');
  });

  test('accepts the beginning of an id if only one task matches', async () => {
    for (const id of ['0b2d3', '0b2d3e4f-1111', 'other', 'othe', '日本語-']) {
      expect((await printed(id)).lines[2]).toMatch(/^id +(0b2d3e4f-1111|other|日本語-1)$/);
    }
  });

  test.each([
    ['unknown', /has no task "unknown"/, /search/],
    ['oth', /has no task/, /first 4 characters/],
    ['', /has no task/, /first 4 characters/],
    ['0b2d', /more than one task begins with "0b2d"/, /0b2d3e4f-1111, 0b2dffff\.$/],
    ["x' or 1 --", /has no task/, /./],
    ['%%%%', /has no task/, /./],
    [`\u001b[31m${'x'.repeat(500)}`, /^the mirror has no task "\\u001b\[31mx{95}"$/, /./],
  ])('refuses %j', async (id, says, hints) => {
    const context = mirror.contextFor();
    const refused = await history(context, id, { json: true }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UsageError);
    expect(told(refused).message).toMatch(says);
    expect(told(refused).hint).toMatch(hints);
    expect(context.stdout.text).toBe('');
  });
});
