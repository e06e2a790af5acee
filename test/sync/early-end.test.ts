/** Servers that say hasMore false although rows are left. */
import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import type { ListPage } from '../../src/source/source.ts';
import { verifySource } from '../../src/sync/verify.ts';
import { differences } from '../failures/situation.ts';
import { type MemoryOptions, memorySource, type ListRequest } from '../support/memory-source.ts';
import { mirroredTasks } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';

const MINUTE = 60_000;
const FAULT = /said that the list ends near offset \d+, but there are rows below/;

/** A server that gives `most` rows a page at most, but reckons hasMore with the limit that was asked for. */
const clamped = (list: SimulatedList, most: number, withTotal = true): MemoryOptions => ({
  maxLimit: most,
  answer: (page, { offset, limit }) => ({
    ...page,
    total: withTotal ? page.total : null,
    hasMore: offset + limit < list.size,
  }),
});

/** A server that says once, with list request `wanted`, that the list ends there. */
const endsOnce =
  (wanted: number, total?: number | null) =>
  (page: ListPage, { count }: ListRequest): ListPage => ({
    ...page,
    total: total === undefined ? page.total : total,
    hasMore: count === wanted ? false : page.hasMore,
  });

const withTotal =
  (of: (total: number) => number | null) =>
  (page: ListPage): ListPage => ({ ...page, total: of(page.total ?? 0) });

const faults = ({ log }: Bench) =>
  log.lines.filter(({ level, message }) => level === 'warn' && FAULT.test(message));

async function verified(bench: Bench, list: SimulatedList, options: MemoryOptions) {
  const source = memorySource(list, options);
  return verifySource(
    { name: 'default', baseUrl: 'https://api.example' },
    { store: bench.store, source },
    { pageSize: 100, concurrency: 4, signal: new AbortController().signal },
  );
}

describe.each([1, 4])('a list that is said to end too early, %i requests at once', (concurrency) => {
  test.each([
    ['with a total', true],
    ['without a total', false],
  ])('by a server that clamps to 50 and reckons with 100 is read to its end, %s', async (_, total) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(730, MINUTE));
    const options = { concurrency, ...clamped(list, 50, total) };
    const { report, exitCode } = await bench.sync(list, options);
    expect([exitCode, report.verdict]).toEqual([0, 'clean']);
    expect(differences(bench, list)).toEqual([]);
    expect(faults(bench)).toHaveLength(1);

    // A full run and verify read on in the same way.
    expect(await bench.sync(list, { ...options, full: true })).toMatchObject({
      exitCode: 0,
      report: { removed: 0 },
    });
    expect(faults(bench)).toHaveLength(2);
    expect(await verified(bench, list, options)).toMatchObject({ rowsCompared: 730, extra: { count: 0 } });
  });

  test.each([51, 60, 99, 100, 101])('by such a server, a list of %i rows', async (rows) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(rows, MINUTE));
    await bench.sync(list, { concurrency, ...clamped(list, 50) });
    expect(differences(bench, list)).toEqual([]);
  });

  test('by a server that errs once, in the first run, is read on: 100 rows, total 600', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(600, MINUTE));
    const { report, exitCode } = await bench.sync(list, { concurrency, answer: endsOnce(1) });
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ inserted: 600, gaps: 0 });
    expect(faults(bench)).toHaveLength(1);
  });

  test.each([1, 2, 4])(
    'by a server without a total that errs once, at full page %i, is read on',
    async (at) => {
      const bench = await syncBench();
      const list = new SimulatedList(tasksApart(600, MINUTE));
      await bench.sync(list, { concurrency, answer: endsOnce(at, null) });
      expect(mirroredTasks(bench.file)).toHaveLength(600);
    },
  );

  test('removes nothing in a full run, though the rest of a mirror is not seen', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(600, MINUTE));
    await bench.sync(list);
    const { report } = await bench.sync(list, { concurrency, full: true, answer: endsOnce(4) });
    expect(report).toMatchObject({ removed: 0, rowsSeen: expect.any(Number) });
    expect(report.rowsSeen).toBeGreaterThanOrEqual(600);
    expect(differences(bench, list)).toEqual([]);
  });
});

describe('the end of a list is asked for once more', () => {
  test('also by a server without a total that clamps its only page', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(90, MINUTE));
    await bench.sync(list, clamped(list, 50, false));
    expect(differences(bench, list)).toEqual([]);
  });

  test('if the total counts more than the list shows: one request more, and clean', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(600, MINUTE));
    const honest = (await (await syncBench()).sync(list)).report.requests;
    const { report, exitCode } = await bench.sync(list, { answer: withTotal((total) => total + 7) });
    expect([exitCode, report.verdict, report.requests]).toEqual([0, 'clean', honest + 1]);
    expect(faults(bench)).toEqual([]);
  });

  test.each([
    ['where the last page is full', 198, 3],
    ['where it is the only one', 60, 2],
    ['but not where it is shorter than those above', 150, 2],
  ])('without a total, %s: %i rows', async (_, rows, requests) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(rows, MINUTE));
    const { report } = await bench.sync(list, { concurrency: 1, answer: withTotal(() => null) });
    expect(report).toMatchObject({ verdict: 'clean', requests, inserted: rows });
  });

  test('an honest list costs exactly its pages', async () => {
    const bench = await syncBench();
    const { report } = await bench.sync(new SimulatedList(tasksApart(198, MINUTE)));
    expect(report.requests).toBe(2);
  });

  test.each([600, 60])('a quiet run of %i rows ignores the total', async (rows) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(rows, MINUTE));
    const options = { answer: withTotal((total) => total + 7) };
    await bench.sync(list, options);
    expect((await bench.sync(list, options)).report.requests).toBe(1);
    expect((await bench.sync(list, { answer: withTotal(() => null) })).report.requests).toBeLessThanOrEqual(
      2,
    );
    expect((await bench.sync(list, { answer: withTotal(() => null) })).report.requests).toBe(1);
  });

  test('in a run that has found something new, as far as that reaches', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(300, MINUTE));
    await bench.sync(list);
    for (let i = 1; i <= 250; i += 1) list.put(completedTask(`new${i}`, EPOCH + i * 1_000));
    const { exitCode, report } = await bench.sync(list, { answer: endsOnce(1) });
    expect([exitCode, report.gaps]).toEqual([0, 0]);
    expect(differences(bench, list)).toEqual([]);
  });
});
