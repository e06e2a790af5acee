import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { SafetyStopError } from '../../src/model/errors.ts';
import { inMirrorOrder, mirroredTasks } from '../support/mirror.ts';
import type { Bench } from '../support/sync.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';
import { mirrored } from './mirrored.ts';
import { told } from '../support/told.ts';

const MINUTE = 60_000;

/** A mirror of `rows` tasks, `gone` of which have left the list: the newest ones but the very first. */
async function vanish(rows: number, gone: number): Promise<{ bench: Bench; list: SimulatedList }> {
  const { bench, list } = await mirrored(rows, MINUTE);
  for (const { id } of list.all().slice(1, gone + 1)) list.remove(id);
  return { bench, list };
}

describe('the brake', () => {
  // It acts if more than 20 rows and more than 10 % of the live mirror are gone: one of both is not enough.
  test.each([
    [20, 200, 'exactly 20 rows and 10 %'],
    [20, 100, 'exactly 20 rows, which are more than 10 %'],
    [20, 21, 'nearly all of a small mirror, but no more than 20 rows'],
    [21, 210, 'more than 20 rows, which are exactly 10 %'],
    [21, 400, 'more than 20 rows, which are less than 10 %'],
    [40, 400, 'exactly 10 % of a larger mirror'],
  ])('lets %i of %i rows go: %s', async (gone, rows) => {
    const { bench, list } = await vanish(rows, gone);
    expect(await bench.sync(list, { full: true })).toMatchObject({ exitCode: 0, report: { removed: gone } });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test.each([
    [21, 209],
    [21, 22],
    [41, 400],
    [399, 400],
  ])('stops the removal of %i of %i rows, says so, and can be overridden', async (gone, rows) => {
    const { bench, list } = await vanish(rows, gone);
    const { report, exitCode, failure, source } = await bench.sync(list, { full: true });
    expect(exitCode).toBe(7);
    expect(report).toMatchObject({ outcome: 'failed', removed: 0 });
    expect(report.error).toBe(
      `${gone} of ${rows} mirrored tasks are no longer in the list: more than 10 %, so nothing was removed`,
    );
    expect(failure).toBeInstanceOf(SafetyStopError);
    expect(told(failure)).toMatchObject({ hint: expect.stringContaining('sync --full --allow-removals') });
    expect(source.gets).toEqual([]);
    expect(mirroredTasks(bench.file)).toHaveLength(rows);
    expect((await bench.sync(list)).exitCode).toBe(0);

    const overridden = await bench.sync(list, { full: true, allowRemovals: true });
    expect(overridden).toMatchObject({ exitCode: 0, report: { removed: gone } });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('measures against the mirror with what the run has brought', async () => {
    const { bench, list } = await vanish(200, 25);
    for (let i = 0; i < 50; i += 1) list.put(completedTask(`new${i}`, EPOCH + 1_000 * i));
    expect((await bench.sync(list, { full: true })).report).toMatchObject({ inserted: 50, removed: 25 });
  });
});

describe('an empty list', () => {
  test.each([{}, { full: true }])('stops the run and removes nothing (%j)', async (options) => {
    const { bench } = await mirrored(15, MINUTE);
    const { report, exitCode, failure } = await bench.sync(new SimulatedList(), options);
    expect(exitCode).toBe(7);
    expect(report.error).toContain('the mirror holds 15 tasks; nothing was removed');
    expect(told(failure)).toMatchObject({ hint: expect.stringContaining('sync --full --allow-removals') });
    expect(mirroredTasks(bench.file)).toHaveLength(15);
  });

  test('empties the mirror on request, and does not stop later runs', async () => {
    const { bench } = await mirrored(150, MINUTE);
    const empty = new SimulatedList();
    const { report } = await bench.sync(empty, { full: true, allowRemovals: true });
    expect(report).toMatchObject({ outcome: 'ok', removed: 150 });
    expect(mirroredTasks(bench.file)).toEqual([]);
    expect((await bench.sync(empty)).exitCode).toBe(0);
    expect((await bench.sync(empty, { full: true })).exitCode).toBe(0);
  });

  test('that has its tasks again brings back those that a run meets, and advises a full run for the others', async () => {
    const { bench, list } = await mirrored(150, MINUTE);
    await bench.sync(new SimulatedList(), { full: true, allowRemovals: true });
    const { report, fullAdvised } = await bench.sync(list);
    expect(report).toMatchObject({ outcome: 'ok', inserted: 0, updated: 100 });
    expect(fullAdvised).toBe(true);
    await bench.sync(list, { full: true });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });
});
