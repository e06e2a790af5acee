import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { apiError } from '../source/http/loopback.ts';
import { inMirrorOrder, mirroredTasks } from '../support/mirror.ts';
import { tasksApart } from '../support/tasks.ts';
import { serveList } from './api.ts';
import { faultBench } from './run.ts';
import { told } from '../support/told.ts';

const MINUTE = 60_000;
const OVERRIDE = /sync --full --allow-removals/;

/** A mirror of 400 tasks, and an API that shows only the newest `shown` of them from now on. */
async function shrunk(shown: number) {
  const bench = await faultBench();
  const list = new SimulatedList(tasksApart(400, MINUTE));
  const api = await serveList(list);
  expect((await bench.sync(api)).exitCode).toBe(0);
  for (const { id } of list.all().slice(shown)) list.remove(id);
  return { bench, list, api };
}

describe('a list that shrank', () => {
  test('to nothing: a plain run stops with exit 7 after one request, and removes nothing', async () => {
    const { bench, api } = await shrunk(0);
    const served = api.requests.length;
    const { report, exitCode, failure } = await bench.sync(api);
    expect(exitCode).toBe(7);
    expect(report).toMatchObject({ outcome: 'failed', removed: 0, requests: 1 });
    expect(report.error).toBe(
      'the API shows an empty list, but the mirror holds 400 tasks; nothing was removed',
    );
    expect(told(failure)).toMatchObject({ hint: expect.stringMatching(OVERRIDE) });
    expect(api.requests.length - served).toBe(1);
    expect(mirroredTasks(bench.file)).toHaveLength(400);
  });

  test.each([0, 300])(
    'to %i rows: a full run stops with exit 7; with the override it removes',
    async (shown) => {
      const { bench, list, api } = await shrunk(shown);
      const { report, exitCode, failure } = await bench.sync(api, { full: true });
      expect(exitCode).toBe(7);
      expect(report).toMatchObject({ outcome: 'failed', removed: 0 });
      expect(report.error).toMatch(
        shown === 0
          ? /empty list, but the mirror holds 400 tasks/
          : /^100 of 400 mirrored tasks .* more than 10 %/,
      );
      expect(told(failure)).toMatchObject({ hint: expect.stringMatching(OVERRIDE) });
      expect(mirroredTasks(bench.file)).toHaveLength(400);
      expect((await bench.store.recentRuns(1))[0]).toMatchObject({ outcome: 'failed', error: report.error });

      const overridden = await bench.sync(api, { full: true, allowRemovals: true });
      expect(overridden).toMatchObject({ exitCode: 0, report: { removed: 400 - shown } });
      expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    },
  );

  test('is no proof if a 404 does not come from the API itself: the run fails, and removes nothing', async () => {
    const { bench, api } = await shrunk(390);
    const pages = 5 + 1;
    const served = api.requests.length;
    const gateway = apiError(404, 'NO_SUCH_ROUTE', 'The gateway knows no such page');
    api.fault = (n) => (n - served >= pages ? gateway : null);
    const { report, exitCode } = await bench.sync(api, { full: true });
    expect(exitCode).toBe(5);
    expect(report).toMatchObject({ outcome: 'failed', removed: 0 });
    expect(report.error).toContain('HTTP 404 (NO_SUCH_ROUTE');
    expect(mirroredTasks(bench.file)).toHaveLength(400);

    api.fault = () => null;
    expect((await bench.sync(api, { full: true })).report).toMatchObject({ outcome: 'ok', removed: 10 });
  });
});
