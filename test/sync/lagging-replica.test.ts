/** Servers that fail over to a replica which lags behind: an older list answers some requests, or a whole run. */
import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { brokenPromises, differences } from '../failures/situation.ts';
import { mirroredTasks, readRows } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { at, completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { spoil } from './mirrored.ts';

const MINUTE = 60_000;
const CONCURRENCY = [1, 4];

/** Tasks, one a minute, from `first` to `last` minutes before EPOCH. */
const everyMinute = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) =>
    completedTask(`m${first + i}`, EPOCH - (first + i) * MINUTE),
  );

/** A mirror 5 h old, 200 tasks that came since, one a minute, and a replica that lags `behind` minutes. */
async function failover(
  behind: number,
): Promise<{ bench: Bench; list: SimulatedList; replica: SimulatedList }> {
  const bench = await syncBench();
  const old = everyMinute(300, 1_299);
  const list = new SimulatedList(old);
  expect((await bench.sync(list)).exitCode).toBe(0);
  for (const task of everyMinute(0, 199)) list.put(task);
  return { bench, list, replica: new SimulatedList([...everyMinute(behind, 199), ...old]) };
}

const live = ({ file }: Bench) => mirroredTasks(file).length;

describe.each(CONCURRENCY)('a run whose pages come from two servers, %i at once', (concurrency) => {
  test('believes no page at the top that lies below rows just read: gap kept, unproven, closed by the next run', async () => {
    const { bench, list, replica } = await failover(160);
    const { report, exitCode } = await bench.sync(list, {
      concurrency,
      copyFor: ({ count }) => (count === 1 ? list : replica),
    });
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({ verdict: 'unproven', gaps: 1 });
    expect(report.requests).toBeLessThan(20);
    expect(await brokenPromises(bench, list)).toEqual([]);
    expect(bench.log.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: expect.stringContaining('an older list than before'),
      }),
    );

    expect(await bench.sync(list, { concurrency })).toMatchObject({
      exitCode: 0,
      report: { gaps: 0, completeThrough: at(EPOCH) },
    });
    expect(differences(bench, list)).toEqual([]);
  });

  test('is exact if the primary comes back for the third page', async () => {
    const { bench, list, replica } = await failover(160);
    const { exitCode, report } = await bench.sync(list, {
      concurrency,
      copyFor: ({ count }) => (count === 2 ? replica : list),
    });
    expect([exitCode, report.gaps]).toEqual([0, 0]);
    expect(differences(bench, list)).toEqual([]);
  });

  test.each([1, 50, 97])('is exact if the replica lags by less than a page: %i rows', async (behind) => {
    const { bench, list, replica } = await failover(behind);
    const { exitCode, report } = await bench.sync(list, {
      concurrency,
      copyFor: ({ count }) => (count === 1 ? list : replica),
    });
    expect([exitCode, report.gaps]).toEqual([0, 0]);
    expect(differences(bench, list)).toEqual([]);
  });

  test('promises no more than the replica showed if the replica answers first', async () => {
    const { bench, list, replica } = await failover(160);
    const { exitCode, report } = await bench.sync(list, {
      concurrency,
      copyFor: ({ count }) => (count === 1 ? replica : list),
    });
    expect(exitCode).toBe(0);
    expect(report.completeThrough).toBe(at(EPOCH - 160 * MINUTE));
    await bench.sync(list, { concurrency });
    expect(differences(bench, list)).toEqual([]);
  });

  test.each([2, 3, 5, 8])('promises nothing too much in a first run, from request %i on', async (from) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(1_000, MINUTE));
    const replica = new SimulatedList(tasksApart(1_000, MINUTE).slice(400));
    const { report } = await bench.sync(list, {
      concurrency,
      copyFor: ({ count }) => (count < from ? list : replica),
    });
    expect(await brokenPromises(bench, list)).toEqual([]);
    expect(report.removed).toBe(0);
    expect(await bench.sync(list, { concurrency })).toMatchObject({ exitCode: 0, report: { gaps: 0 } });
    expect(differences(bench, list)).toEqual([]);
  });

  test.each([2, 4, 7, 9, 13])('removes nothing in a full run, from request %i on', async (from) => {
    const { bench, list, replica } = await failover(160);
    await bench.sync(list);
    const { report } = await bench.sync(list, {
      concurrency,
      full: true,
      copyFor: ({ count }) => (count < from ? list : replica),
      details: replica,
    });
    expect(report.removed).toBe(0);
    expect(await brokenPromises(bench, list)).toEqual([]);
    expect(await bench.sync(list, { concurrency })).toMatchObject({ exitCode: 0, report: { gaps: 0 } });
    expect(differences(bench, list)).toEqual([]);
  });
});

/** A mirror of 300 tasks, 15 of them of the last second, and a replica that has none of the 15. */
async function ahead() {
  const bench = await syncBench();
  const old = tasksApart(285, MINUTE);
  const list = new SimulatedList(old);
  for (let i = 1; i <= 15; i += 1) list.put(completedTask(`last${i}`, EPOCH + i * 60));
  expect((await bench.sync(list)).exitCode).toBe(0);
  return { bench, list, replica: new SimulatedList(old) };
}

describe('a run from a replica that lags behind the mirror', () => {
  test('removes nothing in a full run, list and GET alike; the next run is exact', async () => {
    const { bench, list, replica } = await ahead();
    const { report } = await bench.sync(replica, { full: true });
    expect(report).toMatchObject({ removed: 0, gaps: 0, completeThrough: at(EPOCH + 900) });
    expect(live(bench)).toBe(300);
    expect((await bench.sync(list, { full: true })).exitCode).toBe(0);
    expect(differences(bench, list)).toEqual([]);
  });

  test('is unproven if the API still knows the newest task above its head', async () => {
    const { bench, list, replica } = await ahead();
    const { report, exitCode, source } = await bench.sync(replica, { full: true, details: list });
    expect([exitCode, report.verdict, report.removed]).toEqual([3, 'unproven', 0]);
    expect(source.gets).toEqual(['last15']);
    expect(bench.log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('the list is an old copy') }),
    );
    expect(live(bench)).toBe(300);
  });

  test('removes what is gone below its head, and nothing above', async () => {
    const { bench, list, replica } = await ahead();
    list.remove('t000010');
    replica.remove('t000010');
    const { report } = await bench.sync(replica, { full: true });
    expect(report.removed).toBe(1);
    expect(differences(bench, list)).toEqual([]);
  });

  test('removes all of them with --allow-removals', async () => {
    const { bench, replica } = await ahead();
    const { report } = await bench.sync(replica, { full: true, allowRemovals: true });
    expect(report.removed).toBe(15);
    expect(differences(bench, replica)).toEqual([]);
  });

  test('keeps what is known of a rejected row that it does not show yet', async () => {
    const { bench, list, replica } = await ahead();
    await bench.sync(list, { answer: spoil(['last15']), full: true });
    const rejected = () => readRows(bench.file, 'select task_id from rejected_rows');
    expect((await bench.sync(replica, { full: true })).report.verdict).toBe('clean');
    expect(rejected()).toEqual([{ task_id: 'last15' }]);
    list.remove('last15');
    list.put(completedTask('newer', EPOCH + MINUTE));
    await bench.sync(list, { full: true });
    expect(rejected()).toEqual([]);
  });

  test('changes nothing as a plain run, and promises no less', async () => {
    const { bench, list, replica } = await ahead();
    expect(await bench.sync(replica)).toMatchObject({
      exitCode: 0,
      report: { inserted: 0, updated: 0, completeThrough: at(EPOCH + 900) },
    });
    expect(differences(bench, list)).toEqual([]);
  });

  test('leaves the gap of an earlier run alone that lies above its head', async () => {
    const { bench, list, replica } = await failover(160);
    await bench.sync(list, { copyFor: ({ count }) => (count === 1 ? list : replica) });
    const { exitCode, report } = await bench.sync(replica);
    expect([exitCode, report.gaps]).toEqual([3, 1]);
    expect(await brokenPromises(bench, list)).toEqual([]);
    await bench.sync(list);
    expect(differences(bench, list)).toEqual([]);
  });
});

describe('a head that is honestly lower than before', () => {
  test('since the newest task vanished: it is kept until the list shows a newer one, and removed then', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(300, MINUTE));
    await bench.sync(list);
    list.remove('t000000');
    expect(await bench.sync(list, { full: true })).toMatchObject({ exitCode: 0, report: { removed: 0 } });
    expect(live(bench)).toBe(300);
    list.put(completedTask('newer', EPOCH + MINUTE));
    expect(await bench.sync(list, { full: true })).toMatchObject({ exitCode: 0, report: { removed: 1 } });
    expect(differences(bench, list)).toEqual([]);
  });

  test('since it vanished: it is removed at once with --allow-removals', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(300, MINUTE));
    await bench.sync(list);
    list.remove('t000000');
    const { report } = await bench.sync(list, { full: true, allowRemovals: true });
    expect(report.removed).toBe(1);
    expect(differences(bench, list)).toEqual([]);
  });

  test('since it sank: the full run is clean and exact', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(300, MINUTE));
    await bench.sync(list);
    list.put(completedTask('t000000', EPOCH - 150 * MINUTE - 1));
    expect(await bench.sync(list, { full: true })).toMatchObject({
      exitCode: 0,
      report: { verdict: 'clean', removed: 0 },
    });
    expect(differences(bench, list)).toEqual([]);
  });

  test('since it sank while the list was read: a GET tells, and nothing is in doubt', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(300, MINUTE));
    await bench.sync(list);
    list.remove('t000000');
    // It comes back above the place that has been read by then, and below the end of the closing walk.
    const { exitCode, source } = await bench.sync(list, {
      full: true,
      concurrency: 1,
      beforeList({ count }) {
        if (count === 3) list.put(completedTask('t000000', EPOCH - 110 * MINUTE));
      },
    });
    expect(exitCode).toBe(0);
    expect(source.gets).toEqual(['t000000']);
    expect(differences(bench, list)).toEqual([]);
  });
});
