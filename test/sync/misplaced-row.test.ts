/** Servers that put rows in the wrong place: the list is not in order there, whatever its rows say. */
import { describe, expect, test } from 'vitest';
import { type ApiPage, type ApiTask, SimulatedList } from '../../src/source/simulated/list.ts';
import { brokenPromises, differences } from '../failures/situation.ts';
import { mirroredTasks } from '../support/mirror.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';

const MINUTE = 60_000;
const ROWS = 1_000;

/** A list whose server shows each row `from` in the place `to`. */
class Disordered extends SimulatedList {
  readonly #moves: readonly { from: number; to: number }[];
  /** Whether a page that was asked for shows them so. */
  isWrong: (request: { offset: number; limit: number }) => boolean = () => true;

  constructor(tasks: Iterable<ApiTask>, ...moves: readonly { from: number; to: number }[]) {
    super(tasks);
    this.#moves = moves;
  }

  override page(request: { limit: number; offset: number }): ApiPage {
    const page = super.page(request);
    if (!this.isWrong(request)) return page;
    const rows = this.all();
    for (const { from, to } of this.#moves) rows.splice(to, 0, ...rows.splice(from, 1));
    return { ...page, data: rows.slice(request.offset, request.offset + page.data.length) };
  }
}

/** Rows at or below what is promised are there, and a list that is in order again is mirrored exactly. */
async function expectRecovery(bench: Bench, list: Disordered): Promise<void> {
  expect(await brokenPromises(bench, list)).toEqual([]);
  list.isWrong = () => false;
  expect(await bench.sync(list)).toMatchObject({ exitCode: 0, report: { gaps: 0 } });
  expect(differences(bench, list)).toEqual([]);
}

describe.each([1, 4])('a row in the wrong place, %i requests at once', (concurrency) => {
  test('400 places too low: all 1,000 rows come, in few requests, and only that stretch stays unproven', async () => {
    const bench = await syncBench();
    const list = new Disordered(tasksApart(ROWS, MINUTE), { from: 150, to: 550 });
    for (const full of [false, false, true]) {
      const { report, exitCode } = await bench.sync(list, { concurrency, full });
      expect(exitCode).toBe(3);
      expect(report).toMatchObject({ verdict: 'unproven', gaps: 1, removed: 0 });
      expect(report.requests).toBeLessThan(25);
      expect(differences(bench, list)).toEqual([]);
      expect(await brokenPromises(bench, list)).toEqual([]);
    }
    expect(bench.log.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: expect.stringMatching(/not sorted .* near offset \d+/),
      }),
    );
    await expectRecovery(bench, list);
  });

  test.each([
    ['too low, as the first row of a page', 150, 196],
    ['too low, as the second', 150, 197],
    ['too low, as the last but one', 150, 294],
    ['too low, as the last', 150, 295],
    ['too low, first row after a page', 150, 296],
    ['too low, by one place', 150, 151],
    ['too low, by one place across pages', 98, 99],
    ['too low, by one place across pages', 99, 100],
    ['too low, at the end of the list', 150, 999],
    ['too high, as the first row of a page', 550, 98],
    ['too high, as the second', 550, 99],
    ['too high, in the middle', 550, 150],
    ['too high, as the last but one', 550, 196],
    ['too high, as the last', 550, 197],
    ['too high, first row after a page', 550, 198],
    ['too high, the oldest as the last of the first page', 999, 99],
    ['too high, at the very top', 550, 0],
    ['too high, second row of the list', 550, 1],
    ['too low, the newest', 0, 400],
  ])('%s (from %i to %i): all rows come, nothing too much is promised', async (_, from, to) => {
    const bench = await syncBench();
    const list = new Disordered(tasksApart(ROWS, MINUTE), { from, to });
    const { report } = await bench.sync(list, { concurrency });
    expect(report.requests).toBeLessThan(40);
    expect(differences(bench, list)).toEqual([]);
    await expectRecovery(bench, list);
  });

  test.each([98, 99, 100, 101])(
    'a mirrored one at place %i above new ones hides none of them from a run',
    async (to) => {
      const bench = await syncBench();
      const list = new Disordered(tasksApart(ROWS, MINUTE), { from: 700, to });
      list.isWrong = () => false;
      await bench.sync(list);
      list.isWrong = () => true;
      for (let i = 1; i <= 300; i += 1) list.put(completedTask(`new${i}`, EPOCH + i * 1_000));
      const { exitCode } = await bench.sync(list, { concurrency });
      expect([0, 3]).toContain(exitCode);
      await expectRecovery(bench, list);
    },
  );

  test('several in a stretch: the rows between and below come', async () => {
    const bench = await syncBench();
    const moves = [150, 160, 170, 180].map((from, i) => ({ from: from - i, to: 500 + 7 * i }));
    const list = new Disordered(tasksApart(ROWS, MINUTE), ...moves);
    const { exitCode, report } = await bench.sync(list, { concurrency });
    expect(exitCode).toBe(3);
    expect(report.requests).toBeLessThan(25);
    expect(differences(bench, list)).toEqual([]);
    await expectRecovery(bench, list);
  });

  test('in one answer only: the page is asked for again, and all is proven', async () => {
    const bench = await syncBench();
    const list = new Disordered(tasksApart(ROWS, MINUTE), { from: 150, to: 550 });
    let isFirst = true;
    list.isWrong = ({ offset, limit }) => {
      const isHit = isFirst && offset <= 550 && 550 < offset + limit;
      if (isHit) isFirst = false;
      return isHit;
    };
    const { exitCode } = await bench.sync(list, { concurrency });
    expect(exitCode).toBe(0);
    expect(differences(bench, list)).toEqual([]);
  });

  test('leaves a removal above and below alone, and removes once the list is in order', async () => {
    const bench = await syncBench();
    const list = new Disordered(tasksApart(ROWS, MINUTE), { from: 150, to: 550 });
    list.isWrong = () => false;
    await bench.sync(list);
    list.isWrong = () => true;
    list.remove('t000300');
    expect((await bench.sync(list, { concurrency, full: true })).report.removed).toBe(0);
    expect(mirroredTasks(bench.file)).toHaveLength(ROWS);
    list.isWrong = () => false;
    expect((await bench.sync(list, { concurrency, full: true })).report.removed).toBe(1);
  });
});
