import { expect, test } from 'vitest';
import { followedSync } from '../../src/cli/commands/demo/followed-sync.ts';
import { sync } from '../../src/cli/commands/sync.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { createApp } from '../../src/cli/wire.ts';
import { loadSettings } from '../../src/config/load.ts';
import { createRedactor } from '../../src/platform/redact.ts';
import { holdList, serveTasks } from '../cli/api.ts';
import { Captured } from '../support/captured.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';

const SUMMARY = /^default: up to date: .*\n {2}complete through .*\n$/;

/** A mirror that is up to date, and a command's view of it. */
async function synced() {
  const api = await serveTasks(tasksApart(10, 1_000));
  const io = { stdout: new Captured(), stderr: new Captured(), env: api.env, cwd: temporaryFolder() };
  const loaded = await loadSettings({ ...io, flags: {} });
  const stop = new AbortController();
  const app = await createApp({
    io,
    loaded,
    signal: stop.signal,
    redactor: createRedactor(),
    defaultLevel: 'error',
  });
  expect(await sync(app, { json: false })).toBe(EXIT.done);
  io.stdout.text = '';
  const clock = createFakeClock();
  return { api, io, stop, clock, context: { ...app, clock } };
}

test('the changes of a sync come above its summary, as many as were asked for', async () => {
  const { api, io, clock, context } = await synced();
  clock.hold();
  for (const number of [1, 2, 3]) api.list.put(completedTask(`fresh-${number}`, EPOCH + number * 1_000));
  expect(await followedSync(context, 2)).toBe(EXIT.done);
  const [head, rule, first, second, ...rest] = io.stdout.lines;
  expect(head).toMatch(/^ *seq +observed_at +event .* changes$/);
  expect(rule).toMatch(/^[- ]+$/);
  expect([first, second]).toEqual(Array(2).fill(expect.stringMatching(/^ *\d+ .* added .* fresh-\d/)));
  expect(`${rest.join('\n')}\n`).toMatch(SUMMARY);
});

test('fewer changes than were asked for: the follower ends after the sync', async () => {
  const { io, context } = await synced();
  expect(await followedSync(context, 1)).toBe(EXIT.done);
  expect(io.stdout.text).toMatch(SUMMARY);
});

test('an interruption ends both', async () => {
  const { api, stop, clock, context } = await synced();
  clock.hold();
  const held = holdList(api);
  const code = followedSync(context, 1);
  await held.arrived;
  stop.abort();
  expect(await code).toBe(EXIT.interrupted);
});

test('an interruption while only the follower is left is one too', async () => {
  const { stop, clock, context } = await synced();
  const sleep = async (): Promise<void> => stop.abort();
  expect(await followedSync({ ...context, clock: { ...clock, sleep } }, 1)).toBe(EXIT.interrupted);
});
