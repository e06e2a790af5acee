/** More of what went wrong in other loaders: failures that passed for success. */
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import type { ListRow } from '../../src/source/source.ts';
import { apiError } from '../source/http/loopback.ts';
import { serveList } from '../faults/api.ts';
import { faultBench } from '../faults/run.ts';
import type { MemoryOptions } from '../support/memory-source.ts';
import { readRows } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { at, EPOCH, tasksApart } from '../support/tasks.ts';
import { arrive, differences } from './situation.ts';

const MINUTE = 60_000;

function withoutCursor(row: ListRow): ListRow {
  const id = row.task?.id ?? null;
  return { activity: null, rejected: { id, payload: '{}', reason: 'lastActivityAt: got null' } };
}

/** Takes lastActivityAt from the rows in these places of the list. */
function nullCursor(isNull: (place: number) => boolean): NonNullable<MemoryOptions['answer']> {
  return (page, { offset }) => ({
    ...page,
    rows: page.rows.map((row, i) => (isNull(offset + i) ? withoutCursor(row) : row)),
  });
}

const counts = ({ file }: Bench) =>
  readRows(
    file,
    'select (select count(*) from tasks) as tasks, (select count(*) from rejected_rows) as rejected',
  );

/** The id of a process that has come and gone. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

/** A mirror whose process was killed in the middle of a run: an open run record and a lease, as it left them. */
async function killed(lease: { pid: number; host?: string; renewedAt?: string }) {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(150, MINUTE));
  await bench.sync(list);
  const now = at(bench.clock.now());
  const host = lease.host ?? hostname();
  const db = new Database(bench.file);
  db.prepare(
    `insert into sync_runs (source, kind, started_at, pid, host, renewed_at)
     values ('default', 'incremental', ?, ?, ?, ?)`,
  ).run(lease.renewedAt ?? now, lease.pid, host, lease.renewedAt ?? now);
  db.close();
  arrive(list, 5, 'new', EPOCH);
  return { bench, list };
}
const runs = ({ file }: Bench) => readRows(file, 'select outcome, error from sync_runs order by id').slice(1);

test('a throttled run counted as success, so nothing was synced for 7 days (stripe/sync-engine #300)', async () => {
  const bench = await faultBench();
  const list = new SimulatedList(tasksApart(300, MINUTE));
  const api = await serveList(list);
  await bench.sync(api);
  const { lastSuccessAt } = await bench.status();

  bench.clock.advance(MINUTE);
  arrive(list, 500, 'new', EPOCH);
  // The first two pages get through, then the API throttles.
  const got = api.requests.length;
  api.fault = (n) =>
    n <= got + 2 ? null : apiError(429, 'RATE_LIMITED', 'Slow down', { 'retry-after': '20' });
  const { report, exitCode } = await bench.sync(api);
  expect(exitCode).toBe(5);
  expect(report).toMatchObject({ outcome: 'failed', inserted: 198, gaps: 1 });
  expect(report.error).toContain('HTTP 429 (RATE_LIMITED: Slow down)');
  expect(await bench.status()).toMatchObject({ lastRunOutcome: 'failed', lastSuccessAt });

  // The very next run goes on: no success is remembered that there was not.
  api.fault = () => null;
  expect((await bench.sync(api)).report).toMatchObject({ outcome: 'ok', inserted: 302, gaps: 0 });
  expect(differences(bench, list)).toEqual([]);
  expect((await bench.status()).lastSuccessAt).not.toBe(lastSuccessAt);
});

describe('a null cursor value silently dropped 436 of 7,836 rows (PostHog #76090)', () => {
  test.each<[string, (place: number) => boolean]>([
    ['at the top, as PostgreSQL sorts them', (place) => place < 436],
    ['all over the list', (place) => place % 18 === 5],
  ])('%s: each of them is set aside, the run says so, and they heal', async (_, isNull) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(7_836, MINUTE));
    const { exitCode, report } = await bench.sync(list, { answer: nullCursor(isNull) });
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({ outcome: 'partial', inserted: 7_400, gaps: 0 });
    expect(counts(bench)).toEqual([{ tasks: 7_400, rejected: 436 }]);

    expect((await bench.sync(list, { full: true })).exitCode).toBe(0);
    expect(counts(bench)).toEqual([{ tasks: 7_836, rejected: 0 }]);
  });

  const atTheEnd = nullCursor((place) => place >= 7_400);

  test('pages of them below the others: what is not set aside is not claimed either', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(7_836, MINUTE));
    const { exitCode, report } = await bench.sync(list, { answer: atTheEnd });
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({ verdict: 'unproven', inserted: 7_400, gaps: 1, completeThrough: null });
  });

  // The walk cannot pass more than a page of such rows: no row among them links one page to the next.
  test.fails('pages of them below the others: each of them is set aside', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(7_836, MINUTE));
    await bench.sync(list, { answer: atTheEnd });
    expect(counts(bench)).toEqual([{ tasks: 7_400, rejected: 436 }]);
  });
});

describe('a stuck "in progress" mark stopped syncing silently for months (toolhive-registry-server PR 772)', () => {
  const CLOSED = { outcome: 'interrupted', error: 'the process ended during this run' };

  test('the mark of a process that is dead is taken over at once, and its run is closed', async () => {
    const { bench, list } = await killed({ pid: deadPid() });
    expect((await bench.sync(list)).exitCode).toBe(0);
    expect(differences(bench, list)).toEqual([]);
    expect(runs(bench)).toEqual([CLOSED, { outcome: 'ok', error: null }]);
  });

  test.each([-61_000, 61_000])(
    'the mark of another machine counts no longer %i ms away from now',
    async (away) => {
      const { bench, list } = await killed({
        pid: process.pid,
        host: 'elsewhere',
        renewedAt: at(EPOCH + 3_600_000 + away),
      });
      expect((await bench.sync(list)).exitCode).toBe(0);
      expect(differences(bench, list)).toEqual([]);
    },
  );

  test('a mark that still counts is no silence: the run fails, and says who holds it and since when', async () => {
    const { bench, list } = await killed({ pid: 4_711, host: 'elsewhere' });
    const { exitCode, report } = await bench.sync(list);
    expect(exitCode).toBe(11);
    expect(report.error).toMatch(/process 4711 on elsewhere, since 2026-02-01T01:00:00\.000Z/);
  });
});
