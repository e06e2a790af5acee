import { describe, expect, test } from 'vitest';
import { Activity } from '../../../src/source/simulated/activity.ts';
import type { EventKind, EventWeights } from '../../../src/source/simulated/activity.ts';
import { generateTasks } from '../../../src/source/simulated/generate.ts';
import { SimulatedList } from '../../../src/source/simulated/list.ts';
import type { ApiTask } from '../../../src/source/simulated/list.ts';
import { createRandom } from '../../../src/source/simulated/random.ts';

const NOW = Date.parse('2026-11-20T12:00:00.000Z');
const NOTHING: EventWeights = {
  create: 0,
  start: 0,
  finish: 0,
  ask: 0,
  approve: 0,
  cancel: 0,
  followUp: 0,
  edit: 0,
  vanish: 0,
};

interface Step {
  kind: EventKind;
  before: ApiTask | undefined;
  after: ApiTask | undefined;
}

function live(weights: Partial<EventWeights>, steps: number): { steps: Step[]; list: SimulatedList } {
  const list = new SimulatedList(generateTasks({ count: 400, seed: 5, now: NOW }));
  let now = NOW;
  const activity = new Activity({ list, random: createRandom(6), now: () => (now += 1_000), weights });
  const taken = Array.from({ length: steps }, () => {
    const known = new Map(list.all().map((task) => [task.id, task]));
    const { kind, id } = activity.step();
    const changed = list.all().filter((task) => known.get(task.id) !== task);
    expect(changed.every((task) => task.id === id)).toBe(true);
    return { kind, before: known.get(id), after: list.find(id) };
  });
  return { steps: taken, list };
}

describe('a life of 1,500 events', () => {
  const { steps, list } = live({}, 1_500);
  const of = (...kinds: EventKind[]): Step[] => steps.filter(({ kind }) => kinds.includes(kind));

  test('holds every kind of event but vanishing', () => {
    const kinds = new Set(steps.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(Object.keys(NOTHING).filter((kind) => kind !== 'vanish')));
  });

  test('keeps activity the latest of the times, and the list in its order', () => {
    for (const { createdAt, startedAt, completedAt, lastActivityAt } of list.all()) {
      const latest = [createdAt, startedAt ?? '', completedAt ?? ''].toSorted().at(-1);
      expect(lastActivityAt).toBe(latest);
    }
    const activities = list.all().map(({ lastActivityAt }) => lastActivityAt);
    expect(activities).toEqual(activities.toSorted().toReversed());
  });

  test('keeps some tasks open, and not more and more of them', () => {
    const open = list
      .all()
      .filter(({ status }) => ['pending', 'running', 'awaiting_approval'].includes(status));
    expect(open.length).toBeGreaterThan(2);
    expect(open.length).toBeLessThan(60);
  });

  test('never changes what cannot change', () => {
    for (const { before, after } of steps) {
      if (before === undefined || after === undefined) continue;
      expect(after).toMatchObject({ id: before.id, message: before.message, createdAt: before.createdAt });
      expect(after.messageCount).toBeGreaterThanOrEqual(before.messageCount);
    }
  });

  test('moves the sort key only with the times', () => {
    for (const { before, after } of of('ask', 'approve', 'cancel', 'edit')) {
      expect(after?.lastActivityAt).toBe(before?.lastActivityAt);
    }
    for (const { before, after } of of('start', 'finish')) {
      expect(Date.parse(after?.lastActivityAt ?? '')).toBeGreaterThan(
        Date.parse(before?.lastActivityAt ?? ''),
      );
    }
  });

  test('follows the course of statuses', () => {
    const courses = new Set(
      steps.map(({ kind, before, after }) => `${kind} ${before?.status} ${after?.status}`),
    );
    const edits = [...courses].filter((course) => course.startsWith('edit '));
    expect(edits.every((course) => /^edit (\w+) \1$/.test(course))).toBe(true);
    expect([...courses].filter((course) => !edits.includes(course)).toSorted()).toEqual([
      'approve awaiting_approval running',
      'ask running awaiting_approval',
      'cancel awaiting_approval cancelled',
      'cancel pending cancelled',
      'cancel running cancelled',
      'create undefined pending',
      'finish running completed',
      'finish running failed',
      'followUp completed running',
      'start pending running',
    ]);
  });

  test('lets no run last for more than a day', () => {
    const runs = of('finish').map(
      ({ after }) => Date.parse(after?.completedAt ?? '') - Date.parse(after?.startedAt ?? ''),
    );
    expect(Math.max(...runs)).toBeLessThan(24 * 3_600_000);
  });

  test('a follow-up clears completedAt; some of the tasks sink, some rise', () => {
    const moves = of('followUp').map(({ before, after }) => {
      expect(after?.completedAt).toBeNull();
      return Date.parse(after?.lastActivityAt ?? '') - Date.parse(before?.lastActivityAt ?? '');
    });
    expect(moves.some((move) => move < 0)).toBe(true);
    expect(moves.some((move) => move > 0)).toBe(true);
  });
});

test('rows vanish only on request', () => {
  const { steps, list } = live({ ...NOTHING, vanish: 1 }, 20);
  expect(new Set(steps.map(({ kind }) => kind))).toEqual(new Set(['vanish']));
  expect(list.size).toBe(380);
});

test('a task is created if nothing else can happen', () => {
  const list = new SimulatedList();
  const activity = new Activity({ list, random: createRandom(1), now: () => NOW, weights: { create: 0 } });
  expect(activity.step().kind).toBe('create');
  expect(list.size).toBe(1);
});

test('open tasks that others removed or closed are left alone', () => {
  const list = new SimulatedList(generateTasks({ count: 400, seed: 5, now: NOW }));
  const activity = new Activity({
    list,
    random: createRandom(1),
    now: () => NOW,
    weights: { ...NOTHING, cancel: 1 },
  });
  const open = list.all().filter(({ completedAt, status }) => completedAt === null && status !== 'cancelled');
  const [kept, closed, ...removed] = open;
  for (const { id } of removed) list.remove(id);
  if (closed) list.put({ ...closed, status: 'cancelled' });
  expect(activity.step()).toEqual({ kind: 'cancel', id: kept?.id });
  expect(activity.step().kind).toBe('create');
});
