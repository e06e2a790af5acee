import { describe, expect, test } from 'vitest';
import { type ApiTask, SimulatedList } from '../../src/source/simulated/list.ts';
import { mirroredTasks } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';

const MINUTE = 60_000;
/** Short pages, so that few rows are many of them: a walk gives up after 32 without progress. */
const maxLimit = 10;

/** A backfill that the API breaks off after about `rows` rows. */
async function backfillCutOff(bench: Bench, list: SimulatedList, rows: number): Promise<void> {
  await bench.sync(list, {
    maxLimit,
    beforeList({ offset }) {
      if (offset >= rows) throw new Error('the API is down');
    },
  });
}

function ids(tasks: readonly ApiTask[]): string[] {
  return tasks.map(({ id }) => id).toSorted();
}

describe('the rest of a backfill that was cut off is found, though its place is far from where the mirror expects it,', () => {
  test('if many rows above it were rejected', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(700, MINUTE).map((task, i) => (i < 450 ? { ...task, messageCount: -1 } : task));
    const list = new SimulatedList(tasks);
    await backfillCutOff(bench, list, 600);
    const { report } = await bench.sync(list, { maxLimit });
    expect(report).toMatchObject({ verdict: 'clean', gaps: 0 });
    expect(ids(mirroredTasks(bench.file))).toEqual(ids(tasks.slice(450)));
  });

  test('if many rows above it have left the list', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(1_500, MINUTE);
    const list = new SimulatedList(tasks);
    await backfillCutOff(bench, list, 1_400);
    for (const { id } of tasks.slice(100, 700)) list.remove(id);
    const { report } = await bench.sync(list, { maxLimit });
    expect(report).toMatchObject({ verdict: 'clean', gaps: 0 });
    expect(mirroredTasks(bench.file)).toHaveLength(1_500);
  });
});

test('a walk continues if more rows come in at the top than its patience allows', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(300, MINUTE));
  const { report } = await bench.sync(list, {
    maxLimit,
    beforeList({ count }) {
      if (count !== 20) return;
      for (let i = 1; i <= 500; i += 1) list.put(completedTask(`new${i}`, EPOCH + i));
    },
  });
  expect(report).toMatchObject({ verdict: 'clean', gaps: 0 });
  await bench.sync(list, { maxLimit });
  expect(ids(mirroredTasks(bench.file))).toEqual(ids(list.all()));
});
