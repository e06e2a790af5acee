import { renameSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import { inMirrorOrder, mirroredTasks } from '../support/mirror.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { serveList } from './api.ts';
import { faultBench } from './run.ts';
import { told } from '../support/told.ts';

const MINUTE = 60_000;

test('a reader that holds the WAL stops no run and sees its own moment; the WAL is cut back once it has gone', async () => {
  const bench = await faultBench();
  const list = new SimulatedList(tasksApart(10, MINUTE));
  const api = await serveList(list);
  await bench.sync(api);
  const walBytes = () => statSync(`${bench.file}-wal`).size;
  expect(walBytes()).toBe(0);

  const reader = new Database(bench.file, { readonly: true });
  const seen = () => reader.prepare('select count(*) from tasks').pluck().get();
  reader.exec('begin');
  expect(seen()).toBe(10);
  for (let i = 1; i <= 2_000; i += 1) list.put(completedTask(`new${i}`, EPOCH + i * 1_000));
  expect((await bench.sync(api)).report).toMatchObject({ outcome: 'ok', inserted: 2_000 });
  expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  expect(walBytes()).toBeGreaterThan(1_000_000);
  expect(seen()).toBe(10);

  reader.exec('commit');
  expect(seen()).toBe(2_010);
  reader.close();
  expect((await bench.sync(api)).exitCode).toBe(0);
  expect(walBytes()).toBe(0);
});

test('a second instance gets exit 11 with the pid and host of the first, which it does not disturb', async () => {
  const bench = await faultBench();
  const list = new SimulatedList(tasksApart(500, MINUTE));
  const api = await serveList(list);
  const other = await openMirrorStore(bench.file, { create: false, clock: bench.clock, omit: new Set() });
  try {
    const arrived = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    api.fault = (n) =>
      n === 3
        ? (response) => {
            arrived.resolve();
            void released.promise.then(() =>
              response.end(api.bodyOf(list.page({ offset: 196, limit: 100 }))),
            );
          }
        : null;
    const first = bench.sync(api);
    await arrived.promise;
    const second = await bench.sync(api, { store: other });
    expect(second.exitCode).toBe(11);
    expect(second.report).toMatchObject({ outcome: 'failed', kind: null, requests: 0 });
    expect(second.report.error).toContain(
      `source "default" is being synced by process ${process.pid} on ${hostname()}, since 2026-02-01T01:00:00.000Z`,
    );
    expect(told(second.failure)).toMatchObject({ hint: expect.stringContaining('Wait until it ends') });
    // It has left no record of a run either: there was none.
    expect(await other.recentRuns(10)).toMatchObject([{ id: 1, outcome: null }]);

    released.resolve();
    expect((await first).report).toMatchObject({ outcome: 'ok', verdict: 'clean', inserted: 500 });
    expect((await bench.sync(api, { store: other })).exitCode).toBe(0);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  } finally {
    await other.close();
  }
});

test.each([
  ['deleted', (file: string) => rmSync(file), /was deleted or moved away while it was open/],
  [
    'replaced by a backup',
    (file: string) => {
      const db = new Database(file);
      db.prepare('vacuum into ?').run(`${file}.backup`);
      db.close();
      renameSync(`${file}.backup`, file);
    },
    /was replaced by another file while it was open/,
  ],
])(
  'a file that is %s while it is open fails the next run, which says to start again',
  async (_, act, said) => {
    const bench = await faultBench();
    const list = new SimulatedList(tasksApart(10, MINUTE));
    const api = await serveList(list);
    expect((await bench.sync(api)).exitCode).toBe(0);
    act(bench.file);
    const { exitCode, report, failure } = await bench.sync(api);
    expect([exitCode, report.outcome]).toEqual([10, 'failed']);
    expect(report.error).toMatch(said);
    expect(told(failure)).toMatchObject({ hint: expect.stringContaining('Restart this process') });
  },
);
