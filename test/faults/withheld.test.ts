import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type ApiTask, SimulatedList } from '../../src/source/simulated/list.ts';
import { apiError, json } from '../source/http/loopback.ts';
import { inMirrorOrder, mirroredTasks, readRows } from '../support/mirror.ts';
import { at, completedTask, EPOCH, runningTask, tasksApart } from '../support/tasks.ts';
import { FAULTS } from './answers.ts';
import { serveList, type Step } from './api.ts';
import { faultBench, KEY } from './run.ts';

const MINUTE = 60_000;
/** Enough tasks above the open ones that to walk down to them takes more requests than to read each. */
const ABOVE = (open: number): number => 98 * (open + 2);

/** A mirror of a list whose last tasks are open; since then all of these have changed, and one task is new. */
async function withOpenTasks(count: number) {
  const bench = await faultBench();
  const rows = ABOVE(count);
  const open = Array.from({ length: count }, (_, i) => runningTask(`open${i}`, EPOCH - (rows + i) * MINUTE));
  const list = new SimulatedList([...tasksApart(rows, MINUTE), ...open]);
  const api = await serveList(list);
  expect((await bench.sync(api)).exitCode).toBe(0);
  for (const task of open) list.put({ ...task, status: 'awaiting_approval' });
  const fresh = completedTask('new', EPOCH + 1_000);
  list.put(fresh);
  const before = api.requests.length;
  /** Requests since then, as `GET open0`, `GET list`. */
  const asked = (): string[] => api.requests.slice(before).map((request) => `GET ${idIn(request) ?? 'list'}`);
  return { bench, list, api, open, asked };
}

function idIn(request: IncomingMessage | undefined): string | null {
  return /\/tasks\/([^?]+)/.exec(request?.url ?? '')?.[1] ?? null;
}

type Api = Awaited<ReturnType<typeof withOpenTasks>>['api'];

/** From now on every request for one of these tasks (null: for any) gets this answer. */
function withhold(api: Api, ids: readonly string[] | null, step: Step): void {
  api.fault = (number) => {
    const id = idIn(api.requests[number - 1]);
    return id !== null && (ids?.includes(id) ?? true) ? step : null;
  };
}

const html =
  (status: number, headers: Record<string, string> = {}): Step =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<p>no');

const KINDS: [string, Step, RegExp][] = [
  [
    '403 of the API',
    apiError(403, 'FORBIDDEN', 'Not yours'),
    /tried once and failed: HTTP 403 \(FORBIDDEN: Not/,
  ],
  ['403 of a firewall', html(403), /failed: HTTP 403 \(text\/html, begins with: <p>no\)/],
  [
    '401, though the list takes the key',
    apiError(401, 'INVALID_TOKEN'),
    /refused the key .*HTTP 401 \(INVALID/,
  ],
  ['410', apiError(410, 'GONE', 'Archived'), /tried once and failed: HTTP 410 \(GONE: Archived\)/],
  [
    '404 without a code',
    json(404, { success: false, error: { message: 'no' } }),
    /tried once .*HTTP 404 \(no\)/,
  ],
  ['404 of a proxy', html(404), /tried once and failed: HTTP 404/],
  ['302', html(302, { location: '/login' }), /tried once and failed: HTTP 302, a redirect to another path/],
  ['500', apiError(500, 'BROKEN'), /tried 12 times in [\d.]+ s and failed: HTTP 500 \(BROKEN: no\)/],
  [
    'null data',
    json(200, { success: true, data: null }),
    /not the expected JSON \(data: expected an object\)/,
  ],
  [
    '200 with NOT_FOUND',
    json(200, { success: false, error: { code: 'NOT_FOUND', message: 'gone' } }),
    /failed: HTTP 200 \(NOT_FOUND: gone\)/,
  ],
  ['a closed connection', (_, request) => void request.socket.resetAndDestroy(), /ECONNRESET/],
];

describe('an open task that the API does not return, while it serves the list', () => {
  test.each(KINDS)('%s: is set aside with the reason, and the run goes on', async (_what, step, reason) => {
    const { bench, list, api, open } = await withOpenTasks(3);
    withhold(api, ['open1'], step);
    const { exitCode, failure, report } = await bench.sync(api);

    expect([exitCode, failure]).toEqual([3, null]);
    expect(report).toMatchObject({ outcome: 'partial', verdict: 'clean', gaps: 0, inserted: 1 });
    expect(report).toMatchObject({ updated: 2, removed: 0, rejected: 1 });
    expect(report.error).toMatch(/^a task stays as mirrored, since the API does not return it: Source /);
    expect(report.error).toMatch(reason);
    const warnings = bench.log.lines.filter(({ message }) =>
      message.startsWith('the API does not return a task'),
    );
    expect(warnings).toEqual([
      expect.objectContaining({
        level: 'warn',
        fields: { task: 'open1', cause: expect.stringMatching(reason) },
      }),
    ]);
    expect(readRows(bench.file, 'select task_id, payload, reason from rejected_rows')).toEqual([
      { task_id: 'open1', payload: '{"id":"open1"}', reason: expect.stringMatching(reason) },
    ]);
    const kept = list.all().map((task) => (task.id === 'open1' ? (open[1] as ApiTask) : task));
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(kept));
    expect(readRows(bench.file, "select * from task_changes where task_id = 'open1'")).toEqual([]);

    api.fault = () => null;
    expect((await bench.sync(api)).report).toMatchObject({ outcome: 'ok', updated: 1, error: null });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    expect((await bench.status()).rejectedRows).toBe(0);
  });

  test('for ever: each run says which task it is and why, since when stands beside it, and nothing else suffers', async () => {
    const { bench, api } = await withOpenTasks(2);
    withhold(api, ['open0'], apiError(403, 'FORBIDDEN', 'Not yours'));
    const first = await bench.sync(api);
    bench.clock.advance(MINUTE);
    const second = await bench.sync(api);
    expect([first.exitCode, second.exitCode, second.report.updated]).toEqual([3, 3, 0]);
    expect(second.report.error).toContain('GET /api/v1/tasks/open0 was tried once and failed: HTTP 403');
    const [row] = readRows<Record<string, string>>(bench.file, 'select * from rejected_rows');
    expect(row).toMatchObject({ first_rejected_at: at(EPOCH + 3_600_000) });
    expect(row?.['last_rejected_at']).not.toBe(row?.['first_rejected_at']);
    expect(await bench.status()).toMatchObject({ lastRunOutcome: 'partial', rejectedRows: 1, gaps: [] });
  });

  test('is set aside by a dry run as well, which writes nothing', async () => {
    const { bench, api } = await withOpenTasks(1);
    withhold(api, null, apiError(403, 'FORBIDDEN'));
    const { exitCode, report } = await bench.sync(api, { dryRun: true });
    expect([exitCode, report.rejected]).toEqual([3, 1]);
    expect((await bench.status()).rejectedRows).toBe(0);
  });

  test('and a hundred more of them: none waits for long, and all of them are said', async () => {
    const { bench, api, asked } = await withOpenTasks(100);
    withhold(api, null, apiError(500, 'BROKEN'));
    const waited = bench.clock.waits.length;
    const { exitCode, report } = await bench.sync(api, { concurrency: 4 });
    expect([exitCode, report.rejected, report.inserted]).toEqual([3, 100, 1]);
    // Four at once wait at the same time. One request alone may be repeated for 120 s.
    const waits = bench.clock.waits.slice(waited).reduce((sum, ms) => sum + ms, 0);
    expect(waits / 4).toBeLessThan(2 * 120_000);
    // Each is tried; the list is asked once for four of them.
    expect(new Set(asked().filter((one) => one.startsWith('GET open'))).size).toBe(100);
    expect(asked().filter((one) => one === 'GET list')).toHaveLength(1 + 25);
    expect(asked().length).toBeLessThan(500);
  });

  test('and is forbidden at once takes no time from the others', async () => {
    const { bench, list, api } = await withOpenTasks(40);
    const forbidden = new Set(Array.from({ length: 30 }, (_, i) => `open${i}`));
    api.fault = (number) => {
      const id = idIn(api.requests[number - 1]) ?? '';
      if (forbidden.has(id)) return apiError(403, 'FORBIDDEN');
      if (!id.startsWith('open')) return null;
      // Each of the others fails for half a minute before it comes.
      const tries = api.requests.filter((request) => idIn(request) === id).length;
      return tries < 8 ? apiError(500, 'BROKEN') : null;
    };
    const { report } = await bench.sync(api);
    expect(report).toMatchObject({ rejected: 30, updated: 10 });
    expect(mirroredTasks(bench.file).filter(({ status }) => status === 'awaiting_approval')).toHaveLength(10);
    expect(list.size).toBe(mirroredTasks(bench.file).length);
  });
});

describe('if the list fails as well', () => {
  test('a run that cannot read an open task fails, and nothing that its pages brought is lost', async () => {
    const { bench, list, api } = await withOpenTasks(1);
    const served = api.requests.length;
    api.fault = (n) => (n > served + 1 ? apiError(500, 'BROKEN') : null);
    const { report, exitCode } = await bench.sync(api);
    expect(exitCode).toBe(5);
    expect(report).toMatchObject({ outcome: 'failed', inserted: 1, gaps: 0, rejected: 0 });
    expect(report.error).toMatch(/GET \/api\/v1\/tasks\?.* was tried \d+ times .*HTTP 500 \(BROKEN: no\)/);
    api.fault = () => null;
    expect((await bench.sync(api)).exitCode).toBe(0);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test.each([
    [401, 'INVALID_API_KEY'],
    [403, 'FORBIDDEN'],
  ])('with HTTP %i, the key is refused', async (status, code) => {
    const { bench, api, asked } = await withOpenTasks(9);
    const served = api.requests.length;
    api.fault = (n) => (n > served + 1 ? apiError(status, code) : null);
    expect((await bench.sync(api)).exitCode).toBe(4);
    expect(asked()).toEqual(['GET list', 'GET open0', 'GET list']);
  });

  test('after some tasks were set aside, the run still fails', async () => {
    const { bench, api } = await withOpenTasks(9);
    const served = api.requests.length;
    withhold(api, null, apiError(403, 'FORBIDDEN'));
    const { fault } = api;
    api.fault = (n) => (n > served + 5 ? apiError(503, 'DOWN') : fault(n));
    const { exitCode, report } = await bench.sync(api);
    expect([exitCode, report.outcome]).toEqual([5, 'failed']);
  });
});

describe('a full run', () => {
  const gone = KINDS.filter(([what]) => what !== '500');
  test.each(gone)('takes no answer but the API`s own 404 for proof: %s', async (_what, step, reason) => {
    const bench = await faultBench({ retryMs: 2_000 });
    const list = new SimulatedList(tasksApart(50, MINUTE));
    const api = await serveList(list);
    await bench.sync(api);
    for (const id of ['t000010', 't000011', 't000012']) list.remove(id);
    withhold(api, ['t000011'], step);
    const { exitCode, report } = await bench.sync(api, { full: true });
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({ outcome: 'partial', verdict: 'clean', removed: 2, rejected: 1 });
    expect(report.error).toMatch(/the API does not return it/);
    expect(mirroredTasks(bench.file)).toHaveLength(48);
    expect(readRows(bench.file, 'select task_id, reason from rejected_rows')).toEqual([
      { task_id: 't000011', reason: expect.stringMatching(withoutTries(reason)) },
    ]);
    expect(readRows(bench.file, "select removed_at from tasks where id = 't000011'")).toEqual([
      { removed_at: null },
    ]);

    api.fault = () => null;
    expect((await bench.sync(api, { full: true })).report).toMatchObject({ outcome: 'ok', removed: 1 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    expect((await bench.status()).rejectedRows).toBe(0);
  });
});

/** The same without how often it was tried: these runs have less time. */
function withoutTries({ source }: RegExp): RegExp {
  return new RegExp(source.replace(/^tried.*?failed: |^tried once \.\*/, ''));
}

test("the API's answer about a withheld task is stored without the key", async () => {
  const { bench, api } = await withOpenTasks(1);
  for (const fault of FAULTS) {
    withhold(api, null, fault.answer(bench.clock));
    await bench.sync(api);
    const rows = JSON.stringify(readRows(bench.file, 'select * from rejected_rows'));
    const lines = JSON.stringify(bench.log.lines);
    for (const text of [rows, lines]) expect(text.includes(KEY)).toBe(false);
  }
});
