import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimulatedList } from '../../../src/source/simulated/list.ts';
import type { ApiTask } from '../../../src/source/simulated/list.ts';
import { idsOf, taskAt } from './tasks.ts';

describe('order', () => {
  test('newest activity comes first, and of tasks of the same ms the one put last', () => {
    const list = new SimulatedList([taskAt('a', 10), taskAt('b', 30), taskAt('c', 10)]);
    list.put(taskAt('d', 30));
    expect(idsOf(list.all())).toEqual(['d', 'b', 'c', 'a']);
  });

  test('reversed ties: the one put last comes last', () => {
    const list = new SimulatedList([taskAt('a', 10), taskAt('b', 30), taskAt('c', 10)], {
      tieOrder: 'reversed',
    });
    list.put(taskAt('d', 30));
    expect(idsOf(list.all())).toEqual(['b', 'd', 'a', 'c']);
  });

  test('a task that is put again with the same activity keeps its place', () => {
    const list = new SimulatedList([taskAt('a', 10), taskAt('b', 10)]);
    list.put(taskAt('a', 10, { status: 'running' }));
    expect(idsOf(list.all())).toEqual(['b', 'a']);
    expect(list.find('a')?.status).toBe('running');
  });

  test('an id that is given twice to the constructor is there once, as given last', () => {
    const list = new SimulatedList([taskAt('a', 10), taskAt('b', 20), taskAt('a', 30)]);
    expect(idsOf(list.all())).toEqual(['a', 'b']);
  });

  test('a task without a readable time is refused and leaves the list as it was', () => {
    const list = new SimulatedList([taskAt('a', 10)]);
    expect(() => list.put(taskAt('a', 10, { lastActivityAt: 'soon' }))).toThrow(RangeError);
    expect(idsOf(list.all())).toEqual(['a']);
  });

  test.each(['stable', 'reversed'] as const)(
    'put and remove keep the order of a naive list: %s',
    (tieOrder) => {
      const operation = fc.record({
        id: fc.integer({ min: 0, max: 12 }).map(String),
        activity: fc.option(fc.integer({ min: 0, max: 5 }), { freq: 4 }),
      });
      fc.assert(
        fc.property(fc.array(operation, { maxLength: 60, size: 'max' }), (operations) => {
          const list = new SimulatedList([], { tieOrder });
          let model: ApiTask[] = [];
          for (const { id, activity } of operations) {
            if (activity === null) {
              const rest = model.filter((task) => task.id !== id);
              if (list.remove(id) !== rest.length < model.length) throw new Error(`remove(${id}) is wrong`);
              model = rest;
            } else {
              const task = taskAt(id, activity);
              list.put(task);
              model = naivePut(model, task, tieOrder);
            }
            expect(idsOf(list.all())).toEqual(idsOf(model));
          }
          expect(list.size).toBe(model.length);
          expect(model.map((_, index) => list.at(index))).toEqual(model);
        }),
      );
    },
  );
});

describe('pages', () => {
  const list = new SimulatedList(Array.from({ length: 250 }, (_, n) => taskAt(String(n), n)));

  test('pages one after the other give the whole list', () => {
    const rows = [0, 100, 200].flatMap((offset) => list.page({ limit: 100, offset }).data);
    expect(rows).toEqual(list.all());
  });

  test('say how many rows there are and whether more follow', () => {
    expect(list.page({ limit: 100, offset: 100 }).pagination).toEqual({
      total: 250,
      limit: 100,
      offset: 100,
      hasMore: true,
    });
    expect(list.page({ limit: 50, offset: 200 }).pagination.hasMore).toBe(false);
    expect(list.page({ limit: 50, offset: 900 })).toEqual({
      data: [],
      pagination: { total: 250, limit: 50, offset: 900, hasMore: false },
    });
  });

  test('are clamped to 100 rows, or to another most', () => {
    expect(list.page({ limit: 1_000, offset: 0 }).data).toHaveLength(100);
    const page = list.page({ limit: 100, offset: 0, maxLimit: 30 });
    expect(page.data).toHaveLength(30);
    expect(page.pagination.limit).toBe(30);
  });
});

describe('shuffled ties', () => {
  const tied = Array.from({ length: 30 }, (_, n) => taskAt(`tie${n}`, 500));
  const around = [taskAt('old', 1), taskAt('new', 900)];

  test('come in another order at each page, each row still once', () => {
    const list = new SimulatedList([...tied, ...around], { tieOrder: 'shuffled' });
    const first = idsOf(list.page({ limit: 100, offset: 0 }).data);
    const second = idsOf(list.page({ limit: 100, offset: 0 }).data);
    expect(second).not.toEqual(first);
    expect(second.toSorted()).toEqual(first.toSorted());
    expect([second[0], second.at(-1)]).toEqual(['new', 'old']);
  });

  test('a page that cuts through a group gets any rows of the group', () => {
    const list = new SimulatedList([...tied, ...around], { tieOrder: 'shuffled' });
    const seen = new Set<string>();
    for (let n = 0; n < 60; n++) for (const { id } of list.page({ limit: 3, offset: 1 }).data) seen.add(id);
    expect([...seen].toSorted()).toEqual(idsOf(tied).toSorted());
  });

  test('any slice has the activities that the list has there', () => {
    const place = fc.integer({ min: 0, max: 40 });
    const tasks = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 40, size: 'max' });
    fc.assert(
      fc.property(tasks, place, place, (activities, offset, limit) => {
        const list = new SimulatedList(
          activities.map((activity, n) => taskAt(String(n), activity)),
          { tieOrder: 'shuffled' },
        );
        const { data } = list.page({ limit, offset });
        expect(timesOf(data)).toEqual(timesOf(list.all().slice(offset, offset + limit)));
        expect(new Set(idsOf(data)).size).toBe(data.length);
      }),
    );
  });

  test('the same seed gives the same orders', () => {
    const orders = [1, 2].map(() => {
      const list = new SimulatedList(tied, { tieOrder: 'shuffled', seed: 9 });
      return [1, 2].map(() => idsOf(list.page({ limit: 100, offset: 0 }).data));
    });
    expect(orders[0]).toEqual(orders[1]);
  });
});

function timesOf(tasks: readonly ApiTask[]): string[] {
  return tasks.map(({ lastActivityAt }) => lastActivityAt);
}

function naivePut(model: ApiTask[], task: ApiTask, tieOrder: 'stable' | 'reversed'): ApiTask[] {
  const same = model.find(
    ({ id, lastActivityAt }) => id === task.id && lastActivityAt === task.lastActivityAt,
  );
  if (same !== undefined) return model.map((other) => (other === same ? task : other));
  const others = model.filter(({ id }) => id !== task.id);
  const comesBefore = (other: ApiTask): boolean =>
    tieOrder === 'stable'
      ? other.lastActivityAt > task.lastActivityAt
      : other.lastActivityAt >= task.lastActivityAt;
  return [...others.filter(comesBefore), task, ...others.filter((other) => !comesBefore(other))];
}
