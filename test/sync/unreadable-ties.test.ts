import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import type { ListPage } from '../../src/source/source.ts';
import { beginTies } from '../../src/sync/ties.ts';
import { beginWalk } from '../../src/sync/next.ts';
import { step } from '../../src/sync/walk.ts';
import { readRows } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { listRow } from './moving-list.ts';

const MINUTE = 60_000;

/** Takes the activity away from the rows of these ids. */
function withoutActivity(ids: readonly string[]) {
  return (page: ListPage): ListPage => ({
    ...page,
    rows: page.rows.map((row) => {
      const id = row.task?.id;
      if (id === undefined || !ids.includes(id)) return row;
      return { activity: null, rejected: { id, payload: `{"id":"${id}"}`, reason: 'lastActivityAt: null' } };
    }),
  });
}

describe('rows without an activity, among more ties than fit into a page', () => {
  test.each([
    ['one in the middle', ['tie120']],
    ['the first and the last', ['tie249', 'tie0']],
    ['where one page ends and the next begins', ['tie151', 'tie150', 'tie149', 'tie148']],
  ])('%s: fill a place, and the group is proven', async (_, spoilt) => {
    const bench = await syncBench();
    const ties = Array.from({ length: 250 }, (_tie, i) => completedTask(`tie${i}`, EPOCH - MINUTE / 2));
    const list = new SimulatedList([...tasksApart(150, MINUTE), ...ties]);
    const { report } = await bench.sync(list, { answer: withoutActivity(spoilt) });
    expect(report).toMatchObject({ outcome: 'partial', verdict: 'clean', gaps: 0 });
    expect(report.inserted).toBe(400 - spoilt.length);
    expect(readRows(bench.file, 'select task_id from rejected_rows')).toHaveLength(spoilt.length);
  });
});

describe('a page that does not show where its ties begin', () => {
  const group = beginTies(7, 40, {
    rows: [listRow('a', 41), listRow('b', 40), listRow('c', 40)],
    total: 100,
    hasMore: true,
    servedAt: null,
  });
  const walking = { ...beginWalk({ offset: 12, frontier: 40, proven: 40 }), ties: group };

  test.each([
    ['because it is not sorted', [listRow('x', 30), listRow('d', 40)]],
    ['because the row above them cannot be read', [listRow('n', null), listRow('d', 40)]],
  ])('%s, leaves their beginning as it was', (_, rows) => {
    const { state } = step(walking, { rows, total: 100, hasMore: true, servedAt: null });
    expect(state.ties?.start).toEqual({ offset: 8, total: 100, beside: [] });
  });
});
