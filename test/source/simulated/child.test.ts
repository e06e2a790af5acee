import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { startDemoApi } from '../../../src/source/simulated/child.ts';
import type { DemoApi, DemoApiOptions } from '../../../src/source/simulated/child.ts';
import { ApiFailedError } from '../../../src/model/errors.ts';

const KEY = 'sigmic_child';
// Never: what ends does so by itself, not because a time was up.
const patient = { timeout: () => new AbortController().signal };
const small: DemoApiOptions = {
  key: KEY,
  clock: patient,
  count: 300,
  seed: 1,
  activityPerRequest: 0,
  faults: false,
};

async function start(options: Partial<DemoApiOptions> = {}): Promise<DemoApi> {
  const api = await startDemoApi({ ...small, ...options });
  onTestFinished(api.close);
  return api;
}

async function totalOf({ url }: DemoApi): Promise<number> {
  const response = await fetch(`${url}/api/v1/tasks?limit=1`, {
    headers: { authorization: `Bearer ${KEY}` },
  });
  const body: { pagination: { total: number } } = JSON.parse(await response.text());
  return body.pagination.total;
}

test('serves its tasks to the key, lives on command, and ends when told', async () => {
  const api = await start();
  expect(api.tasks).toBe(300);
  expect(await totalOf(api)).toBe(300);

  const { tasks, events } = await api.makeActivity(100);
  expect(Object.values(events).reduce((sum, count) => sum + count)).toBe(100);
  expect(tasks).toBe(300 + (events.create ?? 0));
  expect(await totalOf(api)).toBe(tasks);

  await api.close();
  await expect(totalOf(api)).rejects.toThrow('fetch failed');
  await expect(api.makeActivity(1)).rejects.toThrow(ApiFailedError);
  await api.close();
});

test('moves while it is being read', async () => {
  const api = await start({ activityPerRequest: 50 });
  await totalOf(api);
  expect(await totalOf(api)).toBeGreaterThan(300);
});

test('an impossible number of events is refused, and it goes on', async () => {
  const api = await start();
  await expect(api.makeActivity(-5)).rejects.toThrow(RangeError);
  expect((await api.makeActivity(0)).tasks).toBe(300);
});

test('invalid counts are an error with the reason', async () => {
  const failed = await startDemoApi({ ...small, count: -1 }).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(ApiFailedError);
  expect(failed).toHaveProperty('message', expect.stringMatching(/exit code 1.*count/s));
});

test('a start that takes too long is ended', async () => {
  const impatient = { timeout: () => AbortSignal.abort() };
  await expect(startDemoApi({ ...small, clock: impatient })).rejects.toThrow('did not answer in time');
});

test('a start that is given up rejects with the reason', async () => {
  const stop = new AbortController();
  const started = startDemoApi({ ...small, signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(started).rejects.toThrow('enough');
});

test('SIGTERM ends the process in order, while its stdin is still open', async () => {
  const { key: _, clock: __, ...settings } = small;
  const entry = fileURLToPath(new URL('../../../src/source/simulated/process.ts', import.meta.url));
  const child = spawn(process.execPath, [entry, JSON.stringify(settings)], { env: { SIGMIC_API_KEY: KEY } });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
});
