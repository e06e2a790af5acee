import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Task } from '../../src/model/task.ts';
import { changeOf } from '../contracts/mirror-store.ts';
import { readRows } from '../support/mirror.ts';
import { exampleMirror } from './example.ts';
import { linesOf, mirrorOf, NOW, taskOf } from './kit.ts';

const rowsOf = async (sql: string): Promise<object[]> => readRows((await exampleMirror()).file, sql);

const linesIn = async (sql: string): Promise<string[]> => linesOf(await rowsOf(sql));

const COUNTS = 'tasks, open, completed, failed, cancelled, success_rate';

describe('views count live tasks', () => {
  test('by the UTC day of their creation', async () => {
    expect(await linesIn(`select day, ${COUNTS} from tasks_by_day order by day`)).toEqual([
      '2026-03-27 2 0 2 0 0 1',
      '2026-03-28 2 0 0 2 0 0',
      '2026-03-29 3 0 1 1 1 0.5',
      '2026-03-30 3 3 0 0 0 -',
    ]);
  });

  test('by weekday, Monday first, and hour', async () => {
    expect(
      await linesIn('select weekday, hour, tasks, failed from tasks_by_hour order by weekday, hour'),
    ).toEqual([
      '1 9 1 0',
      '1 10 1 0',
      '1 11 1 0',
      '5 22 1 0',
      '5 23 1 0',
      '6 10 2 2',
      '7 0 1 1',
      '7 10 1 0',
      '7 22 1 0',
    ]);
  });

  test('by user and by key, with the time of work and the first and last creation', async () => {
    const spans = `${COUNTS}, run_ms, first_created_at, last_created_at`;
    const users = await linesIn(`select username, ${spans} from tasks_by_user order by username`);
    expect(users).toEqual([
      'ada 5 1 3 1 0 0.75 110000 2026-03-27T22:30:00.000Z 2026-03-30T10:00:00.000Z',
      'bob 4 1 0 2 1 0 40000 2026-03-28T10:15:00.000Z 2026-03-30T09:00:00.000Z',
      'eve 1 1 0 0 0 - - 2026-03-30T11:00:00.000Z 2026-03-30T11:00:00.000Z',
    ]);
    const keys = await linesIn(`select api_key_id, ${spans} from tasks_by_api_key order by api_key_id`);
    expect(keys).toEqual(
      users.map((line) => line.replace('ada', 'key-1').replace('bob', 'key-2').replace('eve', 'key-3')),
    );
  });

  test('by session and by conversation', async () => {
    expect(
      await linesIn(
        'select session_id, username, tasks, failed, run_ms from tasks_by_session order by session_id',
      ),
    ).toEqual(['s1 ada 2 0 30000', 's2 ada 3 1 80000', 's3 bob 3 2 40000', 's4 bob 1 0 -', 's5 eve 1 0 -']);
    expect(
      await linesIn(
        'select conversation_id, username, tasks, messages from tasks_by_conversation order by conversation_id',
      ),
    ).toEqual(['c1 ada 5 0', 'c2 bob 4 3', 'c3 eve 1 0']);
  });

  test('that failed, errors of one kind together, with the newest of them', async () => {
    expect(await rowsOf('select * from failures_by_error order by failures desc')).toEqual([
      {
        error_group: 'Tool x timed out after <n> ms',
        failures: 2,
        users: 2,
        first_created_at: '2026-03-28T10:00:00.000Z',
        last_created_at: '2026-03-28T10:15:00.000Z',
        last_task_id: 'b1',
        last_username: 'bob',
        last_error: 'Tool x timed out after 250 ms',
      },
      {
        error_group: null,
        failures: 1,
        users: 1,
        first_created_at: '2026-03-29T00:30:00.000Z',
        last_created_at: '2026-03-29T00:30:00.000Z',
        last_task_id: 'b2',
        last_username: 'bob',
        last_error: null,
      },
    ]);
  });
});

describe('the views of waiting and working time', () => {
  // Percentiles lie between two values where they fall between them: of 1, 2, 5 the 95th is 2 + 0.9 x 3.
  test('give percentiles in ms for each status', async () => {
    expect(await linesIn('select * from latency_by_status order by status')).toEqual([
      'awaiting_approval 1 2000 2000 2000 0 - - -',
      'cancelled 0 - - - 0 - - -',
      'completed 3 2000 4700 4940 3 20000 47000 49400',
      'failed 2 3500 3950 3990 2 35000 39500 39900',
      'pending 0 - - - 0 - - -',
      'running 1 1000 1000 1000 0 - - -',
    ]);
  });

  test('give them for each day', async () => {
    expect(await linesIn('select * from latency_by_day order by day')).toEqual([
      '2026-03-27 2 1500 1950 1990 2 15000 19500 19900',
      '2026-03-28 1 3000 3000 3000 1 30000 30000 30000',
      '2026-03-29 2 4500 4950 4990 2 45000 49500 49900',
      '2026-03-30 2 1500 1950 1990 0 - - -',
    ]);
  });

  test('give the slowest first', async () => {
    expect(await linesIn('select id, run_ms from slowest_tasks limit 3')).toEqual([
      'a4 50000',
      'b2 40000',
      'a3 30000',
    ]);
  });
});

const task = (status: string): Task => taskOf('w', status, '2026-03-30T11:00:00.000Z');
const second = (seconds: number): string => new Date(NOW + seconds * 1_000).toISOString();

/** First seen pending, running after 1 s, waiting after 10 s, running again after 2 min, completed after 5 s. */
async function watched() {
  const mirror = await mirrorOf([task('pending'), taskOf('still', 'running', '2026-03-30T09:00:00.000Z')]);
  for (const [ms, status] of [
    [1_000, 'running'],
    [10_000, 'awaiting_approval'],
    [120_000, 'running'],
    [5_000, 'completed'],
  ] as const) {
    mirror.clock.advance(ms);
    await mirror.claim.commit(changeOf({ tasks: [task(status)] }));
  }
  return mirror;
}

describe('what the journal saw', () => {
  test('is a history of statuses: since when, until when, and how long', async () => {
    const { file } = await watched();
    expect(readRows(file, `select * from status_history where task_id = 'w' order by since`)).toEqual(
      [
        ['pending', 0, 1],
        ['running', 1, 11],
        ['awaiting_approval', 11, 131],
        ['running', 131, 136],
        ['completed', 136, null] as const,
      ].map(([status, since, until]) => ({
        task_id: 'w',
        status,
        since: second(Number(since)),
        until: typeof until === 'number' ? second(until) : null,
        duration_ms: typeof until === 'number' ? (until - Number(since)) * 1_000 : null,
      })),
    );
  });

  test('is one line for a task whose status never changed, and none for a removed one', async () => {
    const { file, claim } = await watched();
    const still = `select status, since, until from status_history where task_id = 'still'`;
    expect(readRows(file, still)).toEqual([{ status: 'running', since: second(0), until: null }]);
    await claim.remove(['w']);
    expect(readRows(file, 'select distinct task_id from status_history')).toEqual([{ task_id: 'still' }]);
  });

  test('says nothing of statuses whose beginning was pruned, and keeps the last one however old', async () => {
    const { file, claim, clock } = await watched();
    const historyOf = (): unknown =>
      readRows(file, `select status, since, until from status_history where task_id = 'w' order by since`);
    const signal = new AbortController().signal;
    await claim.prune({ changesSince: NOW + 20_000, removedSince: null }, signal);
    expect(historyOf()).toEqual([
      { status: 'awaiting_approval', since: second(11), until: second(131) },
      { status: 'running', since: second(131), until: second(136) },
      { status: 'completed', since: second(136), until: null },
    ]);
    await claim.commit(changeOf({ tasks: [task('awaiting_approval')] }));
    clock.advance(3_600_000);
    await claim.prune({ changesSince: clock.now(), removedSince: null }, signal);
    expect(historyOf()).toEqual([{ status: 'awaiting_approval', since: second(136), until: null }]);
    expect(readRows(file, 'select id, status, status_since from open_tasks order by id')).toEqual([
      { id: 'still', status: 'running', status_since: second(0) },
      { id: 'w', status: 'awaiting_approval', status_since: second(136) },
    ]);
    const still = `select status, since, until from status_history where task_id = 'still'`;
    expect(readRows(file, still)).toEqual([{ status: 'running', since: second(0), until: null }]);
  });

  test('tells since when an open task has its status', async () => {
    const { file, claim, clock } = await watched();
    clock.advance(1_000);
    await claim.commit(changeOf({ tasks: [task('awaiting_approval')] }));
    expect(readRows(file, 'select id, status, status_since from open_tasks order by id')).toEqual([
      { id: 'still', status: 'running', status_since: second(0) },
      { id: 'w', status: 'awaiting_approval', status_since: second(137) },
    ]);
    // Ages are counted to the real now: what can be known is how they relate.
    expect(readRows(file, `select age_ms - status_age_ms as before from open_tasks where id = 'w'`)).toEqual([
      { before: 3_600_000 + 137_000 },
    ]);
  });
});

const SHELL = spawnSync('sqlite3', ['-version'], { encoding: 'utf8' });

describe.skipIf(SHELL.status !== 0)('the sqlite3 shell of this machine', () => {
  test('reads every view, but for percentiles if its SQLite does not know them', async () => {
    const { file } = await exampleMirror();
    const views = readRows<{ name: string }>(file, `select name from sqlite_schema where type = 'view'`);
    const complaints = views.flatMap(({ name }) => {
      const { stderr } = spawnSync('sqlite3', ['-readonly', file, `select * from ${name}`], {
        encoding: 'utf8',
      });
      return stderr === '' ? [] : [`${name}: ${/no such function: \w+/.exec(stderr)?.[0] ?? stderr}`];
    });
    const knows = spawnSync('sqlite3', [':memory:', 'select percentile(1, 50)']).status === 0;
    const missing = ['latency_by_day', 'latency_by_status'].map(
      (name) => `${name}: no such function: percentile`,
    );
    expect(complaints.toSorted()).toEqual(knows ? [] : missing);
    expect(
      execFileSync('sqlite3', ['-readonly', file, 'select sum(tasks) from tasks_by_day'], {
        encoding: 'utf8',
      }).trim(),
    ).toBe('10');
  });
});
