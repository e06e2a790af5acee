import { expect, test } from 'vitest';
import { EXIT } from '../../../src/cli/exit.ts';
import { SimulatedList } from '../../../src/source/simulated/list.ts';
import { runBench } from '../../support/postgres/run.ts';
import { describeWithServer, execute, temporarySchema } from '../../support/postgres/server.ts';
import { completedTask, EPOCH, tasksApart } from '../../support/tasks.ts';
import { withExitCode } from '../../support/told.ts';

describeWithServer('a run of the core on PostgreSQL', () => {
  test('that finds nothing new waits for the server four times at most, opening and closing included', async () => {
    const bench = runBench(temporarySchema());
    const list = new SimulatedList(tasksApart(1_000, 60_000));
    for (let i = 0; i < 3; i += 1) expect((await bench.sync(list)).failure).toBeNull();
    const { report, roundTrips, pages } = await bench.sync(list);
    expect(report).toMatchObject({ outcome: 'ok', verdict: 'clean', inserted: 0, updated: 0 });
    expect(pages).toBe(1);
    expect(roundTrips).toBeLessThanOrEqual(4);
  });

  test('that is the first waits for the server once in ten pages at most', async () => {
    const place = temporarySchema();
    const bench = runBench(place);
    await bench.sync(new SimulatedList([]), { source: 'other' });
    const list = new SimulatedList(tasksApart(100_000, 1_000));
    const { report, roundTrips, pages } = await bench.sync(list);
    expect(report).toMatchObject({ outcome: 'ok', verdict: 'clean', inserted: 100_000 });
    expect(roundTrips / pages).toBeLessThan(0.1);
  });

  test('sets aside a task that PostgreSQL cannot hold, says so each time, and mirrors the rest', async () => {
    const place = temporarySchema();
    const bench = runBench(place);
    const tasks = tasksApart(500, 1_000);
    const list = new SimulatedList([...tasks, completedTask('任'.repeat(1_000), EPOCH - 1_500)]);
    for (const full of [false, false, true]) {
      const result = withExitCode(await bench.sync(list, { full }));
      expect(result.exitCode).toBe(EXIT.partial);
      expect(result.report).toMatchObject({ outcome: 'partial', verdict: 'clean', gaps: 0 });
    }
    const [counts] = await execute<{ tasks: string; rejected: string }>(
      place.url,
      `select (select count(*) from "${place.schema}".tasks) as tasks,
        (select count(*) from "${place.schema}".rejected_rows) as rejected`,
    );
    expect(counts).toEqual({ tasks: '500', rejected: '1' });
  });
});
