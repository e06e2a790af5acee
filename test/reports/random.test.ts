import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Scope } from '../../src/reports/index.ts';
import type { Task } from '../../src/model/task.ts';
import { countsOf, localParts, percentileOf, queueMs, ranked, runMs } from './arithmetic.ts';
import { type Answers, mirrorOf, NOW, taskOf } from './kit.ts';

const HOUR = 3_600_000;
/** Every one changes its clock between 1 March and 6 April 2026 but for the last three. */
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'UTC',
];
const STATUSES = ['completed', 'failed', 'cancelled', 'pending', 'running', 'awaiting_approval', 'paused'];

const maybe = (max: number) => fc.option(fc.integer({ min: 0, max }), { freq: 4 });

const taskLike = fc.record({
  // From 20 February to 10 April, so that there are tasks after now, too.
  created: fc.integer({ min: NOW - 38 * 24 * HOUR, max: NOW + 11 * 24 * HOUR }),
  queue: maybe(90_000),
  run: maybe(9_000_000),
  status: fc.constantFrom(...STATUSES),
  username: fc.constantFrom('ada', 'bob', '田中健二'),
  session: fc.integer({ min: 1, max: 6 }),
  tries: fc.option(fc.nat(99)),
  removed: fc.boolean(),
});

const tasksLike = fc.array(taskLike, { minLength: 1, maxLength: 80 }).map((likes) =>
  likes.map(({ created, queue, run, status, username, session, tries, removed }, nth) => {
    const createdAt = new Date(created).toISOString();
    const started = queue === null ? null : created + queue;
    const task = taskOf(`t${String(nth).padStart(3, '0')}`, status, createdAt, {
      startedAt: started === null ? null : new Date(started).toISOString(),
      completedAt: started === null || run === null ? null : new Date(started + run).toISOString(),
      username,
      sessionId: `s${session}`,
      error: tries === null ? null : `gave up after ${tries} tries, like ${tries % 3 === 0 ? 'a' : 'b'}`,
    });
    return { task, removed: removed && nth % 3 === 0 };
  }),
);

const scopeLike = fc.record({
  since: fc.option(
    fc.integer({ min: NOW - 40 * 24 * HOUR, max: NOW }).map((ms) => new Date(ms).toISOString()),
  ),
  until: fc.option(
    fc.integer({ min: NOW + 1, max: NOW + 12 * 24 * HOUR }).map((ms) => new Date(ms).toISOString()),
  ),
  user: fc.option(fc.constantFrom('ada', '田中健二')),
  status: fc.option(fc.constantFrom('completed', 'failed', 'paused')),
  timezone: fc.constantFrom(...ZONES),
});

type ScopeLike = Pick<Scope, 'since' | 'until' | 'user' | 'status' | 'timezone'>;

const isIn = ({ since, until, user, status }: ScopeLike, task: Task): boolean =>
  (since === null || task.createdAt >= since) &&
  (until === null || task.createdAt < until) &&
  (user === null || task.username === user) &&
  (status === null || task.status === status);

/** Checks a mirror of random tasks, of which these live, twice: by one pass over them, and by the indexes. */
async function always(
  check: (answers: Answers, live: Task[], scope: ScopeLike) => Promise<void>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(tasksLike, scopeLike, async (made, scope) => {
      const mirror = await mirrorOf(made.map(({ task }) => task));
      await mirror.claim.remove(made.filter(({ removed }) => removed).map(({ task }) => task.id));
      const live = made.flatMap(({ task, removed }) => (removed ? [] : [task]));
      await check(mirror, live, scope);
      mirror.index();
      await check(mirror, live, scope);
    }),
    { numRuns: 12 },
  );
}

/** The whole mirror, where the report would choose a period of its own. */
const whole = (scope: ScopeLike): ScopeLike => ({
  ...scope,
  since: scope.since ?? '2000-01-01T00:00:00.000Z',
});

describe('on random tasks, removed ones among them, and in zones that change their clocks', () => {
  test('daily and latency agree with plain arithmetic', async () => {
    await always(async ({ report }, all, scope) => {
      const live = all.filter((task) => isIn(scope, task));
      const byDay = Map.groupBy(live, ({ createdAt }) => localParts(scope.timezone, createdAt).day);
      const { days = [] } = await report('daily', whole(scope));
      expect(days.filter(({ tasks }) => tasks !== 0)).toEqual(
        [...byDay]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([day, tasks]) => ({ day, ...countsOf(tasks) })),
      );
      // Every day once, none left out.
      for (const [index, { day }] of days.entries()) {
        const next = new Date(Date.parse(`${String(day)}T00:00:00Z`) + 24 * HOUR).toISOString().slice(0, 10);
        expect(days[index + 1]?.['day'] ?? next).toBe(next);
      }

      const { summary, days: latencies = [] } = await report('latency', whole(scope));
      const [queue, run] = [live.flatMap(queueMs), live.flatMap(runMs)];
      expect(summary).toEqual(
        [['queue', queue] as const, ['run', run] as const].map(([phase, values]) => ({
          phase,
          tasks: values.length,
          p50_ms: percentileOf(values, 50),
          p95_ms: percentileOf(values, 95),
          p99_ms: percentileOf(values, 99),
        })),
      );
      expect(latencies).toEqual(
        days.map(({ day }) => {
          const tasks = byDay.get(String(day)) ?? [];
          const [queued, ran] = [tasks.flatMap(queueMs), tasks.flatMap(runMs)];
          return {
            day,
            queue_p50_ms: percentileOf(queued, 50),
            queue_p95_ms: percentileOf(queued, 95),
            run_p50_ms: percentileOf(ran, 50),
            run_p95_ms: percentileOf(ran, 95),
          };
        }),
      );
    });
  });

  test('hours agree with plain arithmetic', async () => {
    await always(async ({ report }, all, scope) => {
      const live = all.filter((task) => isIn(scope, task));
      const cells = Map.groupBy(live, ({ createdAt }) => {
        const { weekday, hour } = localParts(scope.timezone, createdAt);
        return `${weekday} ${hour}`;
      });
      const { hours } = await report('hours', scope);
      const told = hours?.map(({ weekday, hour, ...counts }) => [
        `${String(weekday)} ${Number(hour)}`,
        counts,
      ]);
      expect(Object.fromEntries(told ?? [])).toEqual(
        Object.fromEntries(
          [...cells].map(([cell, tasks]) => {
            const { completed, failed } = countsOf(tasks);
            return [cell, { tasks: tasks.length, completed, failed }];
          }),
        ),
      );
    });
  });

  test('users, sessions, errors, slowest and open agree with plain arithmetic', async () => {
    await always(async ({ report }, all, scope) => {
      const live = all.filter((task) => isIn(scope, task));
      const users = ranked(Map.groupBy(live, ({ username }) => username));
      expect((await report('users', scope))['users']).toEqual(
        users.map(([username, tasks]) => ({
          username,
          ...countsOf(tasks),
          run_ms: sumOf(tasks.flatMap(runMs)),
          last_created_at: tasks
            .map(({ createdAt }) => createdAt)
            .toSorted()
            .at(-1),
        })),
      );
      const sessions = Map.groupBy(live, ({ sessionId }) => sessionId);
      const told = (await report('sessions', scope))['sessions'] ?? [];
      expect(
        Object.fromEntries(told.map(({ session_id, tasks, run_ms }) => [session_id, [tasks, run_ms]])),
      ).toEqual(
        Object.fromEntries(
          [...sessions].map(([id, tasks]) => [id, [tasks.length, sumOf(tasks.flatMap(runMs))]]),
        ),
      );
      // Failures are of one status, whatever the scope says of it.
      const failed = all.filter((task) => isIn({ ...scope, status: 'failed' }, task));
      const groups = Map.groupBy(failed, ({ error }) => error?.replace(/\d+/, '<n>') ?? null);
      const errors = (await report('errors', scope))['errors'] ?? [];
      expect(errors).toHaveLength(groups.size);
      for (const { error_group, failures } of errors) {
        expect(groups.get(error_group as string | null)).toHaveLength(Number(failures));
      }
      const times = live.flatMap(runMs).toSorted((a, b) => b - a);
      expect((await report('slowest', scope))['tasks']?.map(({ run_ms }) => run_ms)).toEqual(
        times.slice(0, 20),
      );
      const open = live.filter(({ status }) => ['pending', 'running', 'awaiting_approval'].includes(status));
      expect((await report('open', { ...scope, limit: 100 }))['tasks']?.map(({ id }) => id)).toEqual(
        open
          .toSorted((a, b) =>
            a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id) ? -1 : 1,
          )
          .map(({ id }) => id),
      );
    });
  });
});

function sumOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}
