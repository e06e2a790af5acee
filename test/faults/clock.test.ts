import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import type { SyncResult } from '../../src/sync/sync.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { inMirrorOrder, mirroredTasks, readRows } from '../support/mirror.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { type FaultyApi, serveList } from './api.ts';
import { type FaultBench, faultBench } from './run.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 366 * DAY;

async function mirrored(): Promise<{ bench: FaultBench; list: SimulatedList; api: FaultyApi }> {
  const bench = await faultBench();
  const list = new SimulatedList(tasksApart(300, MINUTE));
  const api = await serveList(list);
  await bench.sync(api);
  return { bench, list, api };
}

const arrive = (list: SimulatedList, count: number, name: string): void => {
  for (let i = 1; i <= count; i += 1) list.put(completedTask(`${name}${i}`, EPOCH + i * 1_000));
};

describe('a clock that jumps', () => {
  test('forward between two runs: what is new is found, and the watermark is the one of the list', async () => {
    const { bench, list, api } = await mirrored();
    bench.clock.advance(YEAR);
    arrive(list, 250, 'new');
    expect((await bench.sync(api)).report).toMatchObject({ outcome: 'ok', inserted: 250, gaps: 0 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    expect((await bench.status()).watermark).toBe(list.at(0)?.lastActivityAt);
    expect((await bench.sync(api)).report.requests).toBe(1);
  });

  test.each([
    ['back', -DAY],
    ['back to the beginning of time', -EPOCH],
  ])(
    '%s between two runs: what is new is found, and the watermark waits until both clocks are past it',
    async (_, jump) => {
      const { bench, list, api } = await mirrored();
      const { watermark } = await bench.status();
      bench.clock.advance(jump);
      arrive(list, 250, 'new');
      expect((await bench.sync(api)).report).toMatchObject({ outcome: 'ok', inserted: 250, gaps: 0 });
      expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
      expect((await bench.status()).watermark).toBe(watermark);

      bench.clock.advance(-jump);
      expect((await bench.sync(api)).report).toMatchObject({ outcome: 'ok', inserted: 0, gaps: 0 });
      expect((await bench.status()).watermark).toBe(list.at(0)?.lastActivityAt);
      expect((await bench.sync(api)).report.requests).toBe(1);
    },
  );

  test.each([
    ['back', -DAY],
    ['forward', HOUR],
  ])('%s during a run: the run goes on, and no duration is negative', async (_, jump) => {
    const { bench, list, api } = await mirrored();
    arrive(list, 250, 'new');
    const served = api.requests.length;
    api.fault = (n) => {
      if (n === served + 2) bench.clock.advance(jump);
      return null;
    };
    const { report, exitCode } = await bench.sync(api);
    expect(exitCode).toBe(0);
    expect(report.durationMs).toBe(Math.max(0, jump));
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    expect(readRows(bench.file, 'select * from leases')).toEqual([]);
  });

  test('far ahead for one run does not make a row from the future the watermark: the server tells the time', async () => {
    const { bench, list, api } = await mirrored();
    list.put(completedTask('future', Date.UTC(2090, 0, 1)));
    list.put(completedTask('present', EPOCH + 1));
    bench.clock.advance(100 * YEAR);
    await bench.sync(api);
    expect((await bench.status()).watermark).toBe(list.find('present')?.lastActivityAt);
    bench.clock.advance(-100 * YEAR);
    arrive(list, 250, 'new');
    await bench.sync(api);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('back, with a server that tells no time: what is new is found, and a run that is cut off promises nothing', async () => {
    const { bench, list, api } = await mirrored();
    bench.clock.advance(-DAY);
    arrive(list, 250, 'new');
    const served = api.requests.length;
    const stop = new AbortController();
    api.fault = (n) => (response) => {
      if (n === served + 2) stop.abort();
      response.sendDate = false;
      response.removeHeader('date');
      const offset = Number(new URL(api.requests[n - 1]?.url ?? '', api.url).searchParams.get('offset'));
      response.end(api.bodyOf(list.page({ offset, limit: 100 })));
    };
    expect((await bench.sync(api, { signal: stop.signal })).exitCode).toBe(130);
    expect((await bench.status()).completeThrough).toBe('2026-02-01T00:00:00.000Z');
    expect((await bench.sync(api)).report).toMatchObject({ outcome: 'ok', gaps: 0 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });
});

describe('a process that slept for longer than its lease lasts', () => {
  test('writes nothing more once another has taken over; the other one ends exact', async () => {
    const { bench, list, api } = await mirrored();
    arrive(list, 250, 'new');
    const laterClock = createFakeClock(bench.clock.now() + 61_000);
    const other = await openMirrorStore(bench.file, { create: false, clock: laterClock, omit: new Set() });
    try {
      const served = api.requests.length;
      const takenOver = Promise.withResolvers<SyncResult>();
      api.fault = (n) => {
        if (n !== served + 2) return null;
        // The answer comes only after the other process has done all its work.
        takenOver.resolve(bench.sync(api, { store: other }));
        return (response) => {
          const page = list.page({ offset: 98, limit: 100 });
          void takenOver.promise.then(() => response.end(api.bodyOf(page)));
        };
      };
      const slept = await bench.sync(api);
      expect(await takenOver.promise).toMatchObject({ exitCode: 0, report: { outcome: 'ok', gaps: 0 } });
      expect(slept.exitCode).toBe(11);
      expect(slept.report).toMatchObject({ outcome: 'failed', inserted: 100 });
      expect(slept.report.error).toContain('was lost: another process took it over');
      expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    } finally {
      await other.close();
    }
  });

  test('continues if no other process took over meanwhile', async () => {
    const { bench, list, api } = await mirrored();
    arrive(list, 250, 'new');
    const served = api.requests.length;
    api.fault = (n) => {
      if (n === served + 2) bench.clock.advance(HOUR);
      return null;
    };
    expect((await bench.sync(api)).exitCode).toBe(0);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });
});
