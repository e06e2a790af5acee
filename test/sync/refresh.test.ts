import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeDetail, planRefresh, rowsWorthWalking } from '../../src/sync/refresh.ts';
import type { Task, TaskDetail } from '../../src/model/task.ts';
import { at, completedTask, EPOCH, runningTask } from '../support/tasks.ts';

const whole = (min: number, max: number) => fc.integer({ min, max });

describe('the plan for open tasks that a walk did not see', () => {
  test.each([
    [1, 98, 'walk'],
    [1, 99, 'get'],
    [2, 99, 'walk'],
    [20, 1_960, 'walk'],
    [20, 1_961, 'get'],
  ])('%i of them, the oldest %i rows down, pages of 100: %s', (open, rows, plan) => {
    expect(planRefresh(open, rows, 100)).toBe(plan);
  });

  test.each([0, -1, -500])('is to get each if the walk has passed them: %i rows', (rows) => {
    expect(planRefresh(50, rows, 100)).toBe('get');
  });

  test.each([1, 2, 3])('counts at least one new row a page: %i rows a page', (pageSize) => {
    expect(planRefresh(5, 5, pageSize)).toBe('walk');
    expect(planRefresh(5, 6, pageSize)).toBe('get');
  });

  test('never takes more requests than the other one would', () => {
    fc.assert(
      fc.property(whole(1, 200), whole(1, 20_000), whole(3, 100), (open, rows, pageSize) => {
        const pages = Math.ceil(rows / (pageSize - 2));
        const cost = planRefresh(open, rows, pageSize) === 'walk' ? pages : open;
        expect(cost).toBe(Math.min(pages, open));
      }),
    );
  });

  test('is the same if the rows were counted only as far as walking pays off', () => {
    fc.assert(
      fc.property(whole(1, 200), whole(1, 50_000), whole(1, 100), (open, rows, pageSize) => {
        const counted = Math.min(rows, rowsWorthWalking(open, pageSize));
        expect(planRefresh(open, counted, pageSize)).toBe(planRefresh(open, rows, pageSize));
      }),
    );
  });
});

describe('a stored task with what a GET says now', () => {
  const stored: Task = {
    ...runningTask('x', EPOCH, { messageCount: 7 }),
    env: null,
    extra: '{"priority":3}',
  };
  /** What a GET tells of this task. */
  const detailOf = (changes: Partial<TaskDetail>): TaskDetail => {
    const { lastActivityAt: _activity, messageCount: _count, extra: _extra, ...detail } = stored;
    return { ...detail, ...changes };
  };

  test('is the same task if nothing has changed', () => {
    expect(mergeDetail(stored, detailOf({}))).toEqual(stored);
  });

  test('takes what a GET tells, and keeps the message count and the fields that only the list has', () => {
    const changes = {
      status: 'awaiting_approval',
      message: 'edited',
      env: '{"A":"b"}',
      error: 'why',
      username: null,
    };
    expect(mergeDetail(stored, detailOf(changes))).toEqual({ ...stored, ...changes });
  });

  test('keeps its activity as long as none of its times has moved, even one that does not follow from them', () => {
    const odd = { ...stored, lastActivityAt: at(EPOCH + 12_345) };
    expect(mergeDetail(odd, detailOf({ status: 'cancelled' })).lastActivityAt).toBe(at(EPOCH + 12_345));
  });

  test.each([
    ['it completed', { completedAt: at(EPOCH + 9_000) }, at(EPOCH + 9_000)],
    ['it was started again', { startedAt: at(EPOCH + 5_000) }, at(EPOCH + 5_000)],
    ['it is no longer started', { startedAt: null }, stored.createdAt],
    ['it completed before it was started again', { completedAt: at(EPOCH - 1) }, at(EPOCH)],
    ['its creation was moved', { createdAt: at(EPOCH + 1), startedAt: null }, at(EPOCH + 1)],
  ])('has the latest of its times as its activity once %s', (_what, changes, activity) => {
    expect(mergeDetail(stored, detailOf(changes))).toEqual({
      ...stored,
      ...changes,
      lastActivityAt: activity,
    });
  });

  test('can sink: a follow-up clears when it completed', () => {
    const completed: Task = { ...completedTask('x', EPOCH), env: null, extra: null };
    const { lastActivityAt } = mergeDetail(completed, {
      ...detailOf({}),
      createdAt: completed.createdAt,
      startedAt: completed.startedAt,
      completedAt: null,
    });
    expect(lastActivityAt).toBe(completed.startedAt);
  });
});
