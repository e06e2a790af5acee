import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { brokenPromises, differences } from '../failures/situation.ts';
import { at, completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { type FaultyApi, serveList } from './api.ts';
import { type FaultBench, faultBench } from './run.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** What the clocks of the bench and of its API say. */
const NOW = EPOCH + HOUR;

async function mirrored(): Promise<{ bench: FaultBench; list: SimulatedList; api: FaultyApi }> {
  const bench = await faultBench();
  const list = new SimulatedList(tasksApart(300, MINUTE));
  const api = await serveList(list);
  expect((await bench.sync(api)).exitCode).toBe(0);
  return { bench, list, api };
}

/** The API's Date header is `ms` fast from now on; null: it gives none. */
function setServerClock(api: FaultyApi, list: SimulatedList, ms: number | null): void {
  api.fault = (n) => (response) => {
    const { searchParams } = new URL(api.requests[n - 1]?.url ?? '', api.url);
    const wanted = { offset: Number(searchParams.get('offset')), limit: Number(searchParams.get('limit')) };
    response.sendDate = false;
    if (ms === null) response.removeHeader('date');
    else response.setHeader('date', new Date(NOW + ms).toUTCString());
    response.end(api.bodyOf(list.page(wanted)));
  };
}

/** `count` tasks, one a second, after `since` (ms). */
const arrive = (list: SimulatedList, count: number, name: string, since: number): void => {
  for (let i = 1; i <= count; i += 1) list.put(completedTask(`${name}${i}`, since + i * 1_000));
};

/** A mirror whose watermark lies an hour in the future, as a run has left it while both clocks were an hour fast. */
async function misled() {
  const { bench, list, api } = await mirrored();
  list.put(completedTask('fast', NOW + HOUR));
  setServerClock(api, list, HOUR);
  bench.clock.advance(HOUR);
  expect((await bench.sync(api)).exitCode).toBe(0);
  expect((await bench.status()).watermark).toBe(at(NOW + HOUR));
  bench.clock.advance(-HOUR);
  setServerClock(api, list, 0);
  return { bench, list, api };
}

describe('a clock that is wrong for one run', () => {
  test.each<[string, { server: number; own: number }]>([
    ["the server's, an hour fast", { server: HOUR, own: 0 }],
    ['ours, an hour fast', { server: 0, own: HOUR }],
    ["the server's, an hour slow", { server: -HOUR, own: 0 }],
    ['ours, an hour slow', { server: 0, own: -HOUR }],
    ["the server's fast, ours slow", { server: HOUR, own: -HOUR }],
  ])(
    '%s, and one row an hour in the future: later runs find all of 250 new rows',
    async (_, { server, own }) => {
      const { bench, list, api } = await mirrored();
      list.put(completedTask('fast', NOW + HOUR));
      arrive(list, 1, 'present', EPOCH);
      setServerClock(api, list, server);
      bench.clock.advance(own);
      await bench.sync(api);
      expect(Date.parse((await bench.status()).watermark ?? '')).toBeLessThanOrEqual(NOW + 1_000);
      bench.clock.advance(-own);
      setServerClock(api, list, 0);

      for (const [run, count] of [99, 100, 51].entries()) {
        arrive(list, count, `run${run}-`, EPOCH + (run + 1) * 10 * MINUTE);
        expect(await bench.sync(api)).toMatchObject({ exitCode: 0, report: { gaps: 0 } });
        expect(await brokenPromises(bench, list)).toEqual([]);
        expect(differences(bench, list)).toEqual([]);
      }
    },
  );

  test('a row from the future keeps no run from being quiet', async () => {
    const { bench, list, api } = await mirrored();
    list.put(completedTask('fast', NOW + HOUR));
    setServerClock(api, list, HOUR);
    await bench.sync(api);
    setServerClock(api, list, 0);
    await bench.sync(api);
    expect((await bench.sync(api)).report.requests).toBe(1);
  });
});

describe('a mirror whose watermark is an hour in the future', () => {
  test('recovers: the next run reads the whole list again, reports that, and is exact', async () => {
    const { bench, list, api } = await misled();
    arrive(list, 250, 'new', EPOCH);
    const { exitCode, report } = await bench.sync(api);
    expect([exitCode, report.gaps, report.inserted]).toEqual([0, 0, 250]);
    expect(differences(bench, list)).toEqual([]);
    expect(Date.parse(report.completeThrough ?? '')).toBeLessThanOrEqual(NOW + 1_000);
    expect(bench.log.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: expect.stringContaining('watermark is in the future'),
      }),
    );
    // Once only: the next one is an ordinary one.
    expect((await bench.sync(api)).report.requests).toBe(1);
  });

  test('promises nothing until that run has reached its end, and continues where it was interrupted', async () => {
    const { bench, list, api } = await misled();
    arrive(list, 250, 'new', EPOCH);
    const stop = new AbortController();
    const { report } = await bench.sync(api, {
      signal: stop.signal,
      onProgress: ({ requests }) => (requests === 2 ? stop.abort() : undefined),
    });
    expect(report).toMatchObject({ outcome: 'interrupted', completeThrough: null, gaps: 1 });
    expect(await bench.sync(api)).toMatchObject({ exitCode: 0, report: { gaps: 0 } });
    expect(differences(bench, list)).toEqual([]);
  });

  test('finds its way back with a full run, too, and loses no row by it', async () => {
    const { bench, list, api } = await misled();
    arrive(list, 250, 'new', EPOCH);
    const { exitCode, report } = await bench.sync(api, { full: true });
    expect([exitCode, report.gaps, report.removed]).toEqual([0, 0, 0]);
    expect(differences(bench, list)).toEqual([]);
    expect((await bench.sync(api)).report.requests).toBe(1);
  });

  test.each<[string, number | null, number]>([
    ['where the server tells no time', null, 0],
    ['where only ours says that it lies in the future', HOUR, 0],
    ["where only the server's says so", 0, HOUR],
  ])('is left alone %s', async (_, server, own) => {
    const { bench, list, api } = await misled();
    setServerClock(api, list, server);
    bench.clock.advance(own);
    await bench.sync(api);
    expect((await bench.status()).watermark).toBe(at(NOW + HOUR));
  });
});
