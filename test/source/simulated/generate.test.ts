import { describe, expect, test } from 'vitest';
import { generateTasks } from '../../../src/source/simulated/generate.ts';
import type { ApiTask } from '../../../src/source/simulated/list.ts';
import { createRandom } from '../../../src/source/simulated/random.ts';
import { taskAt } from './tasks.ts';

const NOW = Date.parse('2026-11-20T12:00:00.000Z');
const DAY = 86_400_000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('generated tasks', () => {
  const tasks = generateTasks({ count: 6_000, seed: 7, now: NOW });
  const share = (of: (task: ApiTask) => boolean): number => tasks.filter(of).length / tasks.length;
  const ageOf = (task: ApiTask): number => NOW - Date.parse(task.lastActivityAt);
  const open = tasks.filter(({ status }) => ['pending', 'running', 'awaiting_approval'].includes(status));

  test('have the 17 fields of the API, and ids in its forms', () => {
    const fields = Object.keys(taskAt('any', 0)).toSorted();
    expect(fields).toHaveLength(17);
    for (const task of tasks) {
      expect(Object.keys(task).toSorted()).toEqual(fields);
      expect(task.id).toMatch(UUID);
      expect(task.conversationId).toMatch(/^\d{13}-[0-9a-z]{9}$/);
    }
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(tasks.length);
  });

  test('have times in order, none later than now, and the latest of them as their activity', () => {
    for (const { createdAt, startedAt, completedAt, lastActivityAt } of tasks) {
      const times = [createdAt, startedAt, completedAt].filter((time) => time !== null);
      expect(times).toEqual(times.toSorted());
      expect(times.at(-1)).toBe(lastActivityAt);
      expect(Date.parse(lastActivityAt)).toBeLessThanOrEqual(NOW);
      expect(new Date(lastActivityAt).toISOString()).toBe(lastActivityAt);
    }
  });

  test('come newest activity first and go back about a year', () => {
    const activities = tasks.map(({ lastActivityAt }) => lastActivityAt);
    expect(activities).toEqual(activities.toSorted().toReversed());
    const oldest = tasks.at(-1);
    expect(oldest && ageOf(oldest) / DAY).toBeGreaterThan(330);
    expect(oldest && ageOf(oldest) / DAY).toBeLessThan(366);
  });

  test('are mostly completed; a dozen are open near the head and two were forgotten', () => {
    expect(share(({ status }) => status === 'completed')).toBeGreaterThan(0.75);
    expect(share(({ status }) => status === 'failed')).toBeGreaterThan(0.04);
    expect(share(({ status }) => status === 'cancelled')).toBeGreaterThan(0.02);
    expect(open.filter((task) => ageOf(task) < DAY / 8)).toHaveLength(12);
    expect(open.filter((task) => ageOf(task) > 90 * DAY)).toHaveLength(2);
    expect(new Set(open.map(({ status }) => status)).size).toBe(3);
  });

  test('have the fields that go with their status', () => {
    const having = (...statuses: string[]): ApiTask[] =>
      tasks.filter(({ status }) => statuses.includes(status));
    expect(tasks.every(({ error, status }) => (error !== null) === (status === 'failed'))).toBe(true);
    expect(having('completed', 'failed').every(({ completedAt }) => completedAt !== null)).toBe(true);
    expect(having('pending', 'running').every(({ completedAt }) => completedAt === null)).toBe(true);
    expect(having('pending').every(({ startedAt }) => startedAt === null)).toBe(true);
    expect(having('completed', 'running').every(({ startedAt }) => startedAt !== null)).toBe(true);
    expect(having('completed').every(({ messageCount }) => messageCount >= 2)).toBe(true);
    const firstWords = tasks.flatMap(({ error }) => error?.split(' ')[0] ?? []);
    expect(new Set(firstWords).size).toBeGreaterThan(9);
  });

  test('are as different as real ones', () => {
    expect(new Set(tasks.map(({ username }) => username)).size).toBe(9);
    expect(new Set(tasks.map(({ sessionId }) => sessionId)).size).toBeLessThan(tasks.length * 0.6);
    expect(share(({ message }) => message.includes('\n'))).toBeGreaterThan(0.03);
    expect(share(({ message }) => message.length > 1_800)).toBeGreaterThan(0.005);
    expect(share(({ message }) => message.length > 5_000)).toBe(0);
    expect(share(({ message }) => /[^\p{ASCII}\p{Script=Latin}]/u.test(message))).toBeGreaterThan(0.02);
    expect(share(({ message, error }) => /\{\w+\}/.test(message + error))).toBe(0);
    expect(share(({ systemPrompt }) => systemPrompt !== null)).toBeGreaterThan(0.1);
    expect(share(({ env }) => env !== null)).toBeGreaterThan(0.05);
    expect(share(({ createdAt }) => [0, 6].includes(new Date(createdAt).getUTCDay()))).toBeLessThan(0.15);
    const bySameMs = Object.values(Object.groupBy(tasks, ({ createdAt }) => createdAt));
    expect(Math.max(...bySameMs.map((group) => group?.length ?? 0))).toBeGreaterThanOrEqual(40);
  });

  test('are the same for the same seed, and others for another', () => {
    const some = { count: 500, now: NOW };
    expect(generateTasks({ ...some, seed: 3 })).toEqual(generateTasks({ ...some, seed: 3 }));
    expect(generateTasks({ ...some, seed: 3 })).not.toEqual(generateTasks({ ...some, seed: 4 }));
  });

  test.each([0, 1, 39, 40, 200, 1_001])('are exactly as many as asked for: %i', (count) => {
    expect(generateTasks({ count, seed: 1, now: NOW })).toHaveLength(count);
  });

  test.each([-1, 1.5, Number.NaN])('cannot be %d many', (count) => {
    expect(() => generateTasks({ count, seed: 1, now: NOW })).toThrow(RangeError);
  });
});

describe('random', () => {
  test('int reaches both ends and nothing beyond', () => {
    const random = createRandom(1);
    const drawn = new Set(Array.from({ length: 500 }, () => random.int(2, 5)));
    expect(drawn).toEqual(new Set([2, 3, 4, 5]));
  });

  test('weighted never gives an item without weight, and says if there is no other', () => {
    const random = createRandom(1);
    const never = { weight: 0 };
    const drawn = Array.from({ length: 200 }, () => random.weighted([never, { weight: 0.1 }]));
    expect(drawn).not.toContain(never);
    expect(() => random.weighted([never])).toThrow(RangeError);
    expect(() => random.pick([])).toThrow(RangeError);
  });

  test('shuffle keeps the items and reaches every order', () => {
    const random = createRandom(1);
    const orders = new Set(Array.from({ length: 200 }, () => random.shuffle(['a', 'b', 'c']).join('')));
    expect([...orders].toSorted()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
  });
});
