import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { apiError, startServer } from '../source/http/loopback.ts';
import { inMirrorOrder, mirroredTasks } from '../support/mirror.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { FAULTS } from './answers.ts';
import { serveList, type Step } from './api.ts';
import { faultBench } from './run.ts';
import { told } from '../support/told.ts';

const MINUTE = 60_000;

/** A mirror of 250 tasks, and 250 newer ones in the list: three pages to walk. */
async function outdated() {
  const bench = await faultBench();
  const list = new SimulatedList(tasksApart(250, MINUTE));
  const api = await serveList(list);
  expect((await bench.sync(api)).exitCode).toBe(0);
  for (let i = 1; i <= 250; i += 1) list.put(completedTask(`new${i}`, EPOCH + i * 1_000));
  const served = api.requests.length;
  const requests = () => api.requests.length - served;
  return { bench, list, api, served, requests };
}

describe('an API that fails from the second page on', () => {
  test.each(FAULTS.map((fault) => [fault.what, fault.exitCode, fault] as const))(
    '%s: exit %i, committed data stays, and the next run goes on',
    async (_what, exitCode, { answer, error, hint, isRepeated }) => {
      const { bench, list, api, served, requests } = await outdated();
      const before = await bench.status();
      const step = answer(bench.clock);
      api.fault = (n) => (n === served + 1 ? null : step);
      const failed = await bench.sync(api);

      expect(failed.exitCode).toBe(exitCode);
      expect(failed.report).toMatchObject({ outcome: 'failed', verdict: null, inserted: 100, gaps: 1 });
      expect(failed.report.error).toMatch(error);
      expect(told(failed.failure)).toMatchObject({ hint: expect.stringMatching(hint) });
      const [, failing] = api.requests.slice(served).map(({ url }) => url);
      const asked = api.requests.slice(served).filter(({ url }) => url === failing);
      expect(asked.length > 1).toBe(isRepeated);
      expect(failed.report.requests).toBe(requests());
      // The first page is there, and nothing is promised of what lies between its last row but one and the old rows.
      const [newest, oldest] = [list.all().slice(0, 100), list.all().slice(250)];
      expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder([...newest, ...oldest]));
      expect(await bench.status()).toMatchObject({
        lastRunOutcome: 'failed',
        lastSuccessAt: before.lastSuccessAt,
        gaps: [{ upper: list.at(98)?.lastActivityAt }],
      });

      api.fault = () => null;
      expect((await bench.sync(api)).report).toMatchObject({ outcome: 'ok', inserted: 150, gaps: 0 });
      expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    },
  );

  const passing = FAULTS.filter(({ isRepeated }) => isRepeated);
  test.each(passing.map((fault) => [fault.what, fault] as const))(
    '%s, twice: is waited out, and the run is none the worse for it',
    async (_what, { answer }) => {
      const { bench, list, api, served } = await outdated();
      const step = answer(bench.clock);
      api.fault = (n) => (n === served + 2 || n === served + 3 ? step : null);
      const { report, exitCode } = await bench.sync(api);
      expect(exitCode).toBe(0);
      expect(report).toMatchObject({ outcome: 'ok', verdict: 'clean', requests: 3 + 2, error: null });
      expect(bench.clock.waits).toHaveLength(2);
      expect(bench.log.lines.filter(({ message }) => message.includes('will be repeated'))).toHaveLength(2);
      expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    },
  );
});

/** The waits, in ms, of a run that gets this answer from the second page on. */
const waitsFor = async (step: Step): Promise<readonly number[]> => {
  const { bench, api, served } = await outdated();
  api.fault = (n) => (n > served + 1 ? step : null);
  expect((await bench.sync(api)).exitCode).toBe(5);
  return bench.clock.waits;
};

describe('waiting', () => {
  test('takes longer from time to time if the API asks for nothing', async () => {
    const waits = await waitsFor(apiError(503, 'UNAVAILABLE'));
    expect(waits.slice(0, 5)).toEqual([250, 500, 1_000, 2_000, 4_000]);
    expect(waits.reduce((sum, ms) => sum + ms)).toBeLessThan(120_000);
  });

  test('takes as long as the API asks, as often as that fits into the time for all attempts', async () => {
    const waits = await waitsFor(apiError(429, 'RATE_LIMITED', 'no', { 'retry-after': '25' }));
    expect(waits).toEqual([25_000, 25_000, 25_000, 25_000]);
  });

  test('does not begin if the API asks for more than the time for all attempts', async () => {
    expect(await waitsFor(apiError(503, 'DOWN', 'no', { 'retry-after': '120' }))).toEqual([]);
  });
});

test('an API that fails at the very first request leaves the mirror as it was', async () => {
  const { bench, list, api } = await outdated();
  api.fault = () => apiError(502, 'BAD_GATEWAY');
  const { report, exitCode } = await bench.sync(api);
  expect(exitCode).toBe(5);
  expect(report).toMatchObject({ inserted: 0, gaps: 0, completeThrough: '2026-02-01T00:00:00.000Z' });
  expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all().slice(250)));
});

test('JSON under a wrong content type is still read as JSON', async () => {
  const bench = await faultBench();
  const list = new SimulatedList(tasksApart(20, MINUTE));
  const api = await serveList(list);
  api.fault = () => (response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(api.bodyOf(list.page({ offset: 0, limit: 100 })));
  };
  expect((await bench.sync(api)).exitCode).toBe(0);
  expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
});

test('a redirect to another host is not followed: that host gets no request, and so no header', async () => {
  const other = await startServer((_request, response) => void response.end('{}'));
  try {
    const { bench, api } = await outdated();
    api.fault = () => (response) =>
      void response.writeHead(301, { location: `${other.url}/api/v1/tasks` }).end();
    const { report, exitCode } = await bench.sync(api);
    expect(exitCode).toBe(5);
    expect(report.error).toContain(`a redirect to ${new URL(other.url).host}.`);
    expect(report.requests).toBe(1);
    expect(other.requests).toEqual([]);
  } finally {
    await other.close();
  }
});
