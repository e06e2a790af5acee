import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import type { SyncReport } from '../../src/sync/report.ts';
import { syncSource } from '../../src/sync/sync.ts';
import { memorySource } from '../support/memory-source.ts';
import { mirroredTasks, readRows } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, runningTask, tasksApart } from '../support/tasks.ts';
import { withExitCode } from '../support/told.ts';

const MINUTE = 60_000;
const SHOWN = 20;

/** What the database file and its WAL hold, byte for byte. */
function bytesOf({ file }: Bench): string[] {
  return [file, `${file}-wal`].map((path) =>
    existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'absent',
  );
}

/** What must be the same for a dry run and the real one after it. */
function countsOf({ report, exitCode }: { report: SyncReport; exitCode: number }) {
  const { plan: _, durationMs: __, ...counts } = report;
  return { ...counts, exitCode };
}

/** A dry run, then the real one: the same in all but what they write. */
async function rehearse(bench: Bench, list: SimulatedList, options: { full?: boolean } = {}) {
  const before = bytesOf(bench);
  const dry = await bench.sync(list, { ...options, dryRun: true });
  expect(bytesOf(bench)).toEqual(before);
  const real = await bench.sync(list, options);
  expect(countsOf(dry)).toEqual(countsOf(real));
  expect(dry.source.lists).toEqual(real.source.lists);
  expect(dry.source.gets.toSorted()).toEqual(real.source.gets.toSorted());
  expect(real.report.plan).toBeNull();
  return dry.report;
}

const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);

describe('a dry run', () => {
  test('of a backfill says what the real one then does, and changes no byte', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(350, MINUTE));
    const report = await rehearse(bench, list);
    expect(report).toMatchObject({ kind: 'backfill', inserted: 350, updated: 0, removed: 0, gaps: 0 });
    expect(report.plan).toEqual({ insert: ids(list.all().slice(0, SHOWN)), update: [], remove: [] });
  });

  test('of an incremental run does so too: new, changed and open tasks', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(3_000, MINUTE));
    const old = runningTask('open', EPOCH - 2_500 * MINUTE - 1);
    list.put(old);
    await bench.sync(list);
    for (let i = 0; i < 150; i += 1) list.put(completedTask(`new${i}`, EPOCH + 1_000 * i));
    for (let i = 10; i < 15; i += 1) list.put(completedTask(`t0000${i}`, EPOCH + i));
    list.put({ ...old, status: 'awaiting_approval' });

    const report = await rehearse(bench, list);
    expect(report).toMatchObject({ kind: 'incremental', inserted: 150, updated: 6 });
    expect(report.plan?.insert).toEqual(Array.from({ length: SHOWN }, (_, i) => `new${149 - i}`));
    expect(report.plan?.update).toEqual(['t000014', 't000013', 't000012', 't000011', 't000010', 'open']);
  });

  test('of a run that goes on after a cut, with new tasks above, reads the pages that the real one reads', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(1_500, MINUTE));
    const stop = new AbortController();
    await bench.sync(list, {
      concurrency: 1,
      signal: stop.signal,
      beforeList: ({ count }) => (count === 9 ? stop.abort() : undefined),
    });
    for (let i = 0; i < 350; i += 1) list.put(completedTask(`new${i}`, EPOCH + 1_000 * i));
    expect(await rehearse(bench, list)).toMatchObject({ inserted: 350 + 1_500 - 786, gaps: 0 });
    expect(mirroredTasks(bench.file)).toHaveLength(1_850);
  });

  test('of a full run names also what would be removed, and what GET would change', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(350, MINUTE));
    await bench.sync(list);
    const gone = ids(list.all().slice(100, 130));
    for (const id of gone) list.remove(id);
    list.put(completedTask('t000300', EPOCH - 300 * MINUTE, { message: 'edited' }));
    list.put(completedTask('new', EPOCH + 1_000));

    const report = await rehearse(bench, list, { full: true });
    expect(report).toMatchObject({ kind: 'reconcile', inserted: 1, updated: 1, removed: 30 });
    expect(report.plan).toEqual({ insert: ['new'], update: ['t000300'], remove: gone.slice(0, SHOWN) });
  });

  test('that finds nothing plans nothing', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(350, MINUTE));
    await bench.sync(list);
    const report = await rehearse(bench, list);
    expect(report).toMatchObject({ requests: 1, outcome: 'ok' });
    expect(report.plan).toEqual({ insert: [], update: [], remove: [] });
  });

  test('teaches the overlap nothing', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(350, MINUTE));
    await bench.sync(list);
    list.put(completedTask('late', EPOCH - 300 * MINUTE - 1));
    await bench.sync(list, { full: true, dryRun: true });
    expect((await bench.store.status())[0]?.learnedOverlapMs).toBe(0);
  });
});

describe('the brake applies to a dry run', () => {
  test('as to the real one, and the plan is shown as far as it came', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(350, MINUTE));
    await bench.sync(list);
    for (const { id } of list.all().slice(0, 50)) list.remove(id);
    list.put(completedTask('new', EPOCH + 1_000));
    const before = bytesOf(bench);
    const dry = await bench.sync(list, { full: true, dryRun: true });
    expect(bytesOf(bench)).toEqual(before);
    expect(dry.report.plan).toEqual({ insert: ['new'], update: [], remove: [] });
    const real = await bench.sync(list, { full: true });
    expect(real.exitCode).toBe(7);
    expect(countsOf(dry)).toEqual(countsOf(real));
  });

  test('measured as the real one measures it: against the mirror with what the run brings', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(200, MINUTE));
    await bench.sync(list);
    for (const { id } of list.all().slice(0, 25)) list.remove(id);
    for (let i = 0; i < 50; i += 1) list.put(completedTask(`new${i}`, EPOCH + 1_000 * i));
    expect(await rehearse(bench, list, { full: true })).toMatchObject({ outcome: 'ok', removed: 25 });
  });

  test('and so does the safety stop at an empty list', async () => {
    const bench = await syncBench();
    await bench.sync(new SimulatedList(tasksApart(15, MINUTE)));
    expect((await bench.sync(new SimulatedList(), { dryRun: true })).exitCode).toBe(7);
  });
});

test('a dry run takes no lease: it works while another process holds it, and disturbs nobody', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(350, MINUTE));
  await bench.sync(list);
  list.put(completedTask('new', EPOCH + 1_000));
  const holder = await bench.store.claim({ name: 'default', baseUrl: 'https://api.example' });
  const leases = () => readRows(bench.file, 'select * from leases');
  const held = leases();
  expect((await bench.sync(list)).exitCode).toBe(11);

  const { report, exitCode } = await bench.sync(list, { dryRun: true });
  expect(exitCode).toBe(0);
  expect(report.plan?.insert).toEqual(['new']);
  expect(leases()).toEqual(held);
  await holder.renew();
  await holder.release();
});

test('a dry run refuses what the real one refuses: a source whose mirror is a copy of another API', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(5, MINUTE));
  await bench.sync(list);
  const source = memorySource(list);
  const run = async (dryRun: boolean) =>
    withExitCode(
      await syncSource(
        { name: 'default', baseUrl: 'https://another.example' },
        { store: bench.store, connect: () => source, clock: bench.clock, logFor: () => bench.log },
        { pageSize: 100, concurrency: 4, overlapMs: 0, signal: new AbortController().signal, dryRun },
      ),
    );
  const dry = await run(true);
  expect(dry.exitCode).toBe(2);
  expect(dry.report.error).toContain('is a copy of https://api.example');
  expect(countsOf(dry)).toEqual(countsOf(await run(false)));
  expect(source.lists).toEqual([]);
});
