import { describe, expect, test } from 'vitest';
import { apiFailed } from '../support/errors.ts';
import type { ListPage } from '../../src/source/source.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { inMirrorOrder, mirroredTasks, readRows } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';
import { at, completedTask, EPOCH, runningTask, tasksApart } from '../support/tasks.ts';

const MINUTE = 60_000;

describe('a backfill', () => {
  test('copies every field of every task, unicode, newlines and nulls included', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(1_234, MINUTE));
    list.put(
      completedTask('odd', EPOCH - 5, {
        message: 'zwei\nZeilen\t"quoted" 🙂 漢字 \u0000 end',
        systemPrompt: '',
        env: { nested: { deep: [1, null, 'x'] }, unicode: '🙂' },
        error: null,
        showInHistory: false,
      }),
    );
    const { report, exitCode } = await bench.sync(list);
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({
      kind: 'backfill',
      outcome: 'ok',
      verdict: 'clean',
      inserted: 1_235,
      gaps: 0,
    });
    expect(report.completeThrough).toBe(at(EPOCH));
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('overlaps its pages by two rows and reads no more than that costs', async () => {
    const bench = await syncBench();
    const { report } = await bench.sync(new SimulatedList(tasksApart(980, MINUTE)));
    expect(report.requests).toBe(1 + Math.ceil((980 - 100) / 98));
  });

  test('advances by the rows that came if the server gives fewer than it was asked for', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(500, MINUTE));
    const { report } = await bench.sync(list, { maxLimit: 7 });
    expect(report.verdict).toBe('clean');
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test.each([2, 3])('ends exact with pages of %i rows', async (maxLimit) => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(60, MINUTE));
    await bench.sync(list, { maxLimit });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('of an empty list succeeds and promises nothing', async () => {
    const bench = await syncBench();
    const { report, exitCode } = await bench.sync(new SimulatedList());
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ outcome: 'ok', requests: 1, rowsSeen: 0, completeThrough: null });
  });
});

describe('a list that moves while it is read', () => {
  test('loses none of the other rows when rows vanish above the reading position, and says repaired', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(1_000, MINUTE);
    const list = new SimulatedList(tasks);
    const { report } = await bench.sync(list, {
      beforeList({ count }) {
        if (count === 4) for (const task of tasks.slice(10, 45)) list.remove(task.id);
      },
    });
    expect(report).toMatchObject({ outcome: 'ok', gaps: 0 });
    const mirrored = new Set(mirroredTasks(bench.file).map(({ id }) => id));
    for (const { id } of list.all()) expect(mirrored.has(id)).toBe(true);
  });

  test('loses nothing when more than a page of rows vanishes between two pages', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(2_000, MINUTE);
    const list = new SimulatedList(tasks);
    await bench.sync(list, {
      beforeList({ count }) {
        if (count === 8) for (const task of tasks.slice(0, 450)) list.remove(task.id);
      },
    });
    const mirrored = new Set(mirroredTasks(bench.file).map(({ id }) => id));
    expect(list.all().filter(({ id }) => !mirrored.has(id))).toEqual([]);
  });

  test('stays clean when new tasks push rows down', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(1_000, MINUTE));
    const { report } = await bench.sync(list, {
      beforeList: ({ count }) => list.put(completedTask(`new${count}`, EPOCH + count)),
    });
    expect(report.verdict).toBe('clean');
    await bench.sync(list);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('finds the tasks that were active again while the list was read with the next run', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(1_000, MINUTE);
    const list = new SimulatedList(tasks);
    await bench.sync(list, {
      beforeList({ count }) {
        const task = tasks[count * 90];
        if (task !== undefined)
          list.put({
            ...task,
            status: 'failed',
            completedAt: at(EPOCH + count),
            lastActivityAt: at(EPOCH + count),
          });
      },
    });
    await bench.sync(list);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });
});

describe('an incremental run', () => {
  test('with nothing new costs one list request, no GET, and writes only its run record', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(3_000, MINUTE));
    await bench.sync(list);
    // The first one after a backfill arms the alarm of the total.
    await bench.sync(list);
    const before = readRows(bench.file, 'select * from sources, tasks order by id');
    const { report, source } = await bench.sync(list);
    expect(report).toMatchObject({
      requests: 1,
      inserted: 0,
      updated: 0,
      kind: 'incremental',
      outcome: 'ok',
    });
    expect(source.lists).toEqual([0]);
    expect(source.gets).toEqual([]);
    expect(readRows(bench.file, 'select * from sources, tasks order by id')).toEqual(before);
    expect(readRows(bench.file, 'select id from sync_runs')).toHaveLength(3);
  });

  test('with nothing new costs one request even if the overlap holds more rows than a page', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(3_000, 100));
    await bench.sync(list);
    const { source } = await bench.sync(list);
    expect(source.lists).toEqual([0]);
  });

  test('stops below the overlap, not at the end of the list', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(5_000, MINUTE));
    await bench.sync(list);
    for (let i = 1; i <= 150; i += 1) list.put(completedTask(`new${i}`, EPOCH + i * MINUTE));
    const { report } = await bench.sync(list);
    expect(report).toMatchObject({ inserted: 150, requests: 2 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('finds a row that arrived late inside the overlap, though the rows above it are unchanged', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(3_000, 1_000));
    await bench.sync(list);
    list.put(completedTask('late', EPOCH - 250_500));
    await bench.sync(list);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('takes a task whose activity went down as it is', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(50, MINUTE);
    const list = new SimulatedList(tasks);
    await bench.sync(list);
    const sunk = tasks[3];
    if (sunk !== undefined)
      list.put({ ...sunk, status: 'running', completedAt: null, lastActivityAt: sunk.startedAt ?? '' });
    await bench.sync(list);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('does not let a row from the future hide what comes after it', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(500, MINUTE));
    list.put(completedTask('future', Date.parse('2099-01-01T00:00:00Z')));
    await bench.sync(list);
    for (let i = 1; i <= 300; i += 1) list.put(completedTask(`new${i}`, EPOCH + i * 1_000));
    await bench.sync(list);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('does not skip rows between two pages full of rows from the future', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(200, MINUTE));
    for (let i = 0; i < 350; i += 1)
      list.put(completedTask(`future${i}`, Date.parse('2099-01-01T00:00:00Z') + i));
    await bench.sync(list);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('refuses to continue if the list is suddenly empty, and removes nothing', async () => {
    const bench = await syncBench();
    await bench.sync(new SimulatedList(tasksApart(20, MINUTE)));
    const { report, exitCode } = await bench.sync(new SimulatedList());
    expect(exitCode).toBe(7);
    expect(report.error).toContain('20 tasks');
    expect(mirroredTasks(bench.file)).toHaveLength(20);
  });
});

describe('open tasks that the walk did not see', () => {
  test('are read again with one GET each if the list would cost more', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(3_000, MINUTE));
    const old = runningTask('old', EPOCH - 2_500 * MINUTE - 1);
    list.put(old);
    await bench.sync(list);
    list.put({ ...old, status: 'awaiting_approval' });
    const { report, source } = await bench.sync(list);
    expect(source.lists).toEqual([0]);
    expect(source.gets).toEqual(['old']);
    expect(report).toMatchObject({ requests: 2, updated: 1 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('are met by walking on if that takes fewer requests', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(3_000, MINUTE));
    const open = Array.from({ length: 20 }, (_, i) =>
      runningTask(`open${i}`, EPOCH - (150 + i) * MINUTE - 1),
    );
    for (const task of open) list.put(task);
    await bench.sync(list);
    for (const task of open) list.put({ ...task, messageCount: 9 });
    const { report, source } = await bench.sync(list);
    expect(source.gets).toEqual([]);
    expect(report).toMatchObject({ requests: 2, updated: 20 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('get their sort key derived when a GET shows that they have moved', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(3_000, MINUTE));
    const old = runningTask('old', EPOCH - 2_500 * MINUTE - 1, { messageCount: 5 });
    list.put(old);
    await bench.sync(list);
    // It ends, and so rises, only after the head has been read.
    const ended = { ...old, status: 'completed', completedAt: at(EPOCH + 1), lastActivityAt: at(EPOCH + 1) };
    await bench.sync(list, { answer: (page) => (list.put(ended), page) });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('stay as they are if the API no longer knows them: only a full run may remove', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(300, MINUTE));
    list.put(runningTask('gone', EPOCH - 250 * MINUTE - 1));
    await bench.sync(list);
    list.remove('gone');
    const { exitCode, source } = await bench.sync(list);
    expect(source.gets).toEqual(['gone']);
    expect(exitCode).toBe(0);
    expect(mirroredTasks(bench.file).some(({ id }) => id === 'gone')).toBe(true);
  });
});

describe('a run that is cut off', () => {
  test('goes on in the middle, by seeking, and ends exact', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(3_000, MINUTE));
    const stop = new AbortController();
    const cut = await bench.sync(list, {
      signal: stop.signal,
      beforeList: ({ count }) => (count === 15 ? stop.abort() : undefined),
    });
    expect(cut.report).toMatchObject({ outcome: 'interrupted', gaps: 1, completeThrough: null });
    expect(cut.exitCode).toBe(130);
    const { report, source } = await bench.sync(list);
    expect(source.lists.slice(0, 2)).toEqual([0, 14 * 98 - 2]);
    expect(report).toMatchObject({ kind: 'backfill', outcome: 'ok', gaps: 0, completeThrough: at(EPOCH) });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('finds its gap again by stepping back if mirrored rows above it have vanished', async () => {
    const bench = await syncBench();
    const tasks = tasksApart(3_000, MINUTE);
    const list = new SimulatedList(tasks);
    const stop = new AbortController();
    await bench.sync(list, {
      signal: stop.signal,
      beforeList: ({ count }) => (count === 15 ? stop.abort() : undefined),
    });
    for (const task of tasks.slice(200, 500)) list.remove(task.id);
    const { report } = await bench.sync(list);
    expect(report).toMatchObject({ outcome: 'ok', gaps: 0 });
    const mirrored = new Set(mirroredTasks(bench.file).map(({ id }) => id));
    expect(list.all().filter(({ id }) => !mirrored.has(id))).toEqual([]);
  });

  test('writes down that its gap is closed, also if the first page of a quiet list covers it', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(50, MINUTE));
    await bench.sync(list);
    const unsorted = { answer: (page: ListPage) => ({ ...page, rows: page.rows.toReversed() }) };
    expect((await bench.sync(list, { ...unsorted, full: true })).report.gaps).toBe(1);
    expect((await bench.sync(list)).report.gaps).toBe(0);
    expect(readRows(bench.file, 'select * from gaps')).toEqual([]);
  });

  test('keeps its newer gap apart from an older one, and closes both later', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(3_000, MINUTE));
    const stopAt = async (wanted: number) => {
      const stop = new AbortController();
      return bench.sync(list, {
        signal: stop.signal,
        beforeList: ({ count }) => (count === wanted ? stop.abort() : undefined),
      });
    };
    await stopAt(15);
    for (let i = 1; i <= 1_000; i += 1) list.put(completedTask(`new${i}`, EPOCH + i * MINUTE));
    expect((await stopAt(5)).report.gaps).toBe(2);
    const { report } = await bench.sync(list);
    expect(report).toMatchObject({ outcome: 'ok', gaps: 0 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });
});

const tied = (count: number, activity: number, prefix = 'tie') =>
  Array.from({ length: count }, (_, i) => completedTask(`${prefix}${i}`, activity));

describe('groups of rows with the same activity', () => {
  test.each(['stable', 'reversed', 'shuffled'] as const)(
    'that fit into a page are proven in %s order',
    async (tieOrder) => {
      const bench = await syncBench();
      const tasks = Array.from({ length: 40 }, (_, i) => tied(35, EPOCH - i * MINUTE, `g${i}-`)).flat();
      const list = new SimulatedList(tasks, { tieOrder, seed: 7 });
      const { report } = await bench.sync(list);
      expect(report).toMatchObject({ outcome: 'ok', verdict: 'clean' });
      expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
    },
  );

  test.each([100, 101, 250, 1_000])('of %i rows are proven in a stable order', async (count) => {
    const bench = await syncBench();
    const tasks = [...tasksApart(150, MINUTE), ...tied(count, EPOCH - 75 * MINUTE - 1)];
    const list = new SimulatedList(tasks);
    const { report } = await bench.sync(list);
    expect(report).toMatchObject({ outcome: 'ok', verdict: 'clean', gaps: 0 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test.each([0, 75])('that fill the list after %i rows are proven', async (before) => {
    const bench = await syncBench();
    const list = new SimulatedList([...tasksApart(before, MINUTE), ...tied(450, EPOCH - 100 * MINUTE)]);
    const { report } = await bench.sync(list);
    expect(report).toMatchObject({ outcome: 'ok', gaps: 0 });
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('larger than a page in an order that changes are either exact or said to be unproven', async () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const bench = await syncBench();
      const tasks = [...tasksApart(150, MINUTE), ...tied(330, EPOCH - 75 * MINUTE - 1)];
      const list = new SimulatedList(tasks, { tieOrder: 'shuffled', seed });
      const { report, exitCode } = await bench.sync(list);
      expect(report.requests).toBeLessThan(400);
      const isExact = mirroredTasks(bench.file).length === list.size;
      expect(exitCode === 0 ? isExact : report.verdict === 'unproven' && report.error !== null).toBe(true);
    }
  });
});

describe('an API that misbehaves', () => {
  test('with empty pages that claim more is reported, not followed endlessly', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(400, MINUTE));
    const { report, exitCode } = await bench.sync(list, {
      answer: (page, { offset }) => (offset < 150 ? page : { ...page, rows: [], hasMore: true }),
    });
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({ outcome: 'partial', verdict: 'unproven', gaps: 1 });
    expect(report.error).toContain('no rows');
    expect(report.requests).toBeLessThan(200);
  });

  test('that repeats its first page for every offset is reported, not followed endlessly', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(400, MINUTE));
    const first = new SimulatedList(tasksApart(100, MINUTE));
    const { report, exitCode } = await bench.sync(list, {
      answer: (page, { offset }) =>
        offset === 0
          ? page
          : {
              ...page,
              rows: first.all().map((task) => ({
                activity: Date.parse(task.lastActivityAt),
                task: { ...task, env: null, extra: null },
              })),
              hasMore: true,
            },
    });
    expect(exitCode).toBe(3);
    expect(report.requests).toBeLessThan(200);
  });

  test('whose list is not sorted is reported, and the gap stays open', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(400, MINUTE));
    const { report, exitCode } = await bench.sync(list, {
      answer: (page, { offset }) => (offset > 0 ? { ...page, rows: page.rows.toReversed() } : page),
    });
    expect(exitCode).toBe(3);
    expect(report.error).toContain('not sorted');
    expect(report.gaps).toBe(1);
  });

  test('with rows that cannot be read mirrors the others, keeps the bad ones aside, and heals them later', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(350, MINUTE));
    const spoilt = {
      ...completedTask('bad', EPOCH - 120 * MINUTE - 1),
      messageCount: 'many' as unknown as number,
    };
    list.put(spoilt);
    const { report, exitCode } = await bench.sync(list);
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({ outcome: 'partial', verdict: 'clean', rejected: 1, inserted: 350 });
    expect(readRows(bench.file, 'select task_id from rejected_rows')).toEqual([{ task_id: 'bad' }]);

    list.put(completedTask('bad', EPOCH + 1));
    expect((await bench.sync(list)).exitCode).toBe(0);
    expect(readRows(bench.file, 'select * from rejected_rows')).toEqual([]);
    expect(mirroredTasks(bench.file)).toEqual(inMirrorOrder(list.all()));
  });

  test('with several pages of rows without any activity at the top mirrors what lies below them', async () => {
    const bench = await syncBench();
    const list = new SimulatedList(tasksApart(600, MINUTE));
    const { report } = await bench.sync(list, {
      answer: (page, { offset }) => ({
        ...page,
        rows: page.rows.map((row, i) =>
          offset + i < 250
            ? {
                activity: null,
                rejected: { id: row.task?.id ?? '', payload: '{}', reason: 'lastActivityAt: null' },
              }
            : row,
        ),
      }),
    });
    expect(report).toMatchObject({ outcome: 'partial', gaps: 0, inserted: 350 });
    expect(readRows(bench.file, 'select task_id from rejected_rows')).toHaveLength(250);
  });
});

describe('the journal', () => {
  test('gets a line for every field that changed, with the old and the new value', async () => {
    const bench = await syncBench();
    const task = runningTask('a', EPOCH);
    const list = new SimulatedList([task]);
    await bench.sync(list);
    list.put({ ...task, status: 'completed', completedAt: at(EPOCH + 5), lastActivityAt: at(EPOCH + 5) });
    await bench.sync(list);
    expect(readRows(bench.file, 'select task_id, field, old_value, new_value from task_changes')).toEqual([
      { task_id: 'a', field: 'status', old_value: 'running', new_value: 'completed' },
      { task_id: 'a', field: 'completed_at', old_value: null, new_value: at(EPOCH + 5) },
      { task_id: 'a', field: 'last_activity_at', old_value: at(EPOCH), new_value: at(EPOCH + 5) },
    ]);
  });
});

describe('a run that fails', () => {
  const fails = {
    beforeList: () => {
      throw apiFailed('the API answers 503');
    },
  };

  test('is logged as a warning, and its result names its record', async () => {
    const bench = await syncBench();
    const { run } = await bench.sync(new SimulatedList(), fails);
    expect(bench.log.lines.filter(({ message }) => message === 'run failed')).toMatchObject([
      { level: 'warn', fields: { error: 'the API answers 503' } },
    ]);
    expect(readRows(bench.file, 'select id, outcome from sync_runs')).toEqual([
      { id: run, outcome: 'failed' },
    ]);
  });

  test('is logged at info for a caller that reports the failure itself', async () => {
    const bench = await syncBench();
    await bench.sync(new SimulatedList(), { ...fails, failureLevel: 'info' });
    expect(bench.log.lines.filter(({ message }) => message === 'run failed')).toMatchObject([
      { level: 'info' },
    ]);
  });
});
