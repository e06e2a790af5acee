import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { inMirrorOrder, mirroredTasks } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { mirrored, spoil } from './mirrored.ts';

const SECOND = 1_000;
/** What the runs here are configured with. */
const OVERLAP_MS = 300 * SECOND;
const DAY_MS = 24 * 3_600 * SECOND;

/** A row every two seconds, so that the overlap is longer than a page. */
const ROWS = 700;
const SPACING_MS = 2 * SECOND;

const learned = async ({ store }: Bench): Promise<number | undefined> =>
  (await store.status())[0]?.learnedOverlapMs;

const isMirrored = ({ file }: Bench, id: string): boolean =>
  mirroredTasks(file).some((task) => task.id === id);

/** A row that the list shows only now, though its activity lies `ms` below the newest. */
const late = (ms: number, id = `late${ms}`) => completedTask(id, EPOCH - ms);

describe('a row that appears late, within the overlap', () => {
  test.each([1, 250 * SECOND + 1, OVERLAP_MS])(
    'by %i ms is found by the next run that finds anything, and teaches nothing',
    async (ms) => {
      const { bench, list } = await mirrored(ROWS, SPACING_MS);
      list.put(late(ms));
      list.put(completedTask('new', EPOCH + SECOND));
      expect((await bench.sync(list)).report).toMatchObject({ inserted: 2, kind: 'incremental' });
      expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
      expect(await learned(bench)).toBe(0);
    },
  );

  test('below the first page is missed by a run that finds nothing, and found by the next that does', async () => {
    const { bench, list } = await mirrored(ROWS, SPACING_MS);
    // The total stays as it was: one row has gone, another has come.
    list.remove('t000600');
    list.put(late(250 * SECOND + 1));
    expect((await bench.sync(list)).report).toMatchObject({ requests: 1, inserted: 0 });
    list.put(completedTask('new', EPOCH + SECOND));
    await bench.sync(list);
    expect(isMirrored(bench, late(250 * SECOND + 1).id)).toBe(true);
  });
});

describe('a row that appears late, beyond the overlap', () => {
  test('is found by a full run, which doubles the overlap for all runs to come', async () => {
    const { bench, list } = await mirrored(ROWS, SPACING_MS);
    const lateness = 500 * SECOND + 1;
    list.put(late(lateness));
    list.put(completedTask('new', EPOCH + SECOND));
    await bench.sync(list);
    expect(isMirrored(bench, late(lateness).id)).toBe(false);
    expect(await learned(bench)).toBe(0);

    expect((await bench.sync(list, { full: true })).report.inserted).toBe(1);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    expect(await learned(bench)).toBe(2 * OVERLAP_MS);
    expect(bench.log.lines).toContainEqual({
      level: 'info',
      fields: { task: late(lateness).id, overlapSeconds: 600 },
      message: expect.stringContaining('later than the overlap reaches'),
    });

    // The same lateness is within the overlap now: a plain run finds it.
    list.put(late(lateness, 'late-again'));
    list.put(completedTask('newer', EPOCH + 2 * SECOND));
    expect((await bench.sync(list)).report.inserted).toBe(2);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    expect(await learned(bench)).toBe(2 * OVERLAP_MS);
  });

  test('teaches a plain run, too, that happens to read as far as that', async () => {
    const { bench, list } = await mirrored(ROWS, SPACING_MS);
    list.put(late(OVERLAP_MS + 1));
    list.put(completedTask('new', EPOCH + SECOND));
    expect((await bench.sync(list)).report.inserted).toBe(2);
    expect(await learned(bench)).toBe(2 * OVERLAP_MS);
  });

  test('doubles the overlap once a run, however many there are', async () => {
    const { bench, list } = await mirrored(ROWS, SPACING_MS);
    for (const ms of [400, 600, 800, 1_000, 1_300]) list.put(late(ms * SECOND + 1));
    expect((await bench.sync(list, { full: true })).report.inserted).toBe(5);
    expect(await learned(bench)).toBe(2 * OVERLAP_MS);
  });

  test('doubles it up to a day, and no further', async () => {
    const bench = await syncBench();
    const list = new SimulatedList([
      completedTask('newest', EPOCH),
      completedTask('oldest', EPOCH - 9 * DAY_MS),
    ]);
    await bench.sync(list);
    const overlaps: (number | undefined)[] = [];
    for (let day = 1; day <= 11; day += 1) {
      list.put(late(3 * DAY_MS + day));
      await bench.sync(list, { full: true });
      overlaps.push(await learned(bench));
    }
    const doublings = Array.from({ length: 8 }, (_, i) => OVERLAP_MS * 2 ** (i + 1));
    expect(overlaps).toEqual([...doublings, DAY_MS, DAY_MS, DAY_MS]);
  });

  test('teaches nothing if the configured overlap is a day or longer already', async () => {
    const bench = await syncBench();
    const list = new SimulatedList([
      completedTask('newest', EPOCH),
      completedTask('oldest', EPOCH - 9 * DAY_MS),
    ]);
    await bench.sync(list);
    list.put(late(3 * DAY_MS));
    await bench.sync(list, { full: true, overlapMs: 2 * DAY_MS });
    expect(await learned(bench)).toBe(0);
  });

  test('widens the configured overlap if that is the longer one', async () => {
    const { bench, list } = await mirrored(ROWS, SPACING_MS);
    list.put(late(1_000 * SECOND + 1));
    await bench.sync(list, { full: true, overlapMs: 900 * SECOND });
    expect(await learned(bench)).toBe(1_800 * SECOND);
  });
});

describe('no late row is', () => {
  test('a task whose rejection is healed', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, SPACING_MS));
    expect((await bench.sync(list, { answer: spoil(['t000500']) })).exitCode).toBe(3);
    expect((await bench.sync(list, { full: true })).report).toMatchObject({ outcome: 'ok', inserted: 1 });
    expect(await learned(bench)).toBe(0);
  });

  test('a row that was removed and has returned', async () => {
    const { bench, list } = await mirrored(ROWS, SPACING_MS);
    const [task] = list.all().slice(500, 501);
    if (task === undefined) throw new Error('the list is too short');
    list.remove(task.id);
    await bench.sync(list, { full: true });
    list.put(task);
    expect((await bench.sync(list, { full: true })).report).toMatchObject({ inserted: 0, updated: 1 });
    expect(await learned(bench)).toBe(0);
  });

  test.each([{}, { full: true }])('a task that is new in a gap of the ledger (%j)', async (options) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(ROWS, SPACING_MS));
    const stop = new AbortController();
    const cut = await bench.sync(list, {
      signal: stop.signal,
      beforeList: ({ count }) => (count === 4 ? stop.abort() : undefined),
    });
    expect(cut.report.gaps).toBe(1);
    list.put(late(1_000 * SECOND + 1));
    expect((await bench.sync(list, options)).report).toMatchObject({ outcome: 'ok', gaps: 0 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    expect(await learned(bench)).toBe(0);
  });

  test('a task of a first full run', async () => {
    const bench = await syncBench();
    await bench.sync(new SimulatedList(tasksApart(ROWS, SPACING_MS)), { full: true });
    expect(await learned(bench)).toBe(0);
  });
});
