import { describe, expect, test } from 'vitest';
import { REPORTS, runReport } from '../../src/reports/index.ts';
import { UsageError } from '../../src/model/errors.ts';
import { RECORD } from '../contracts/mirror-store/kit.ts';
import { changeOf } from '../contracts/mirror-store.ts';
import { exampleMirror } from './example.ts';
import { EVERYTHING, linesOf, mirrorOf, NOW, taskOf } from './kit.ts';
import { toldBy } from '../support/told.ts';

const HOUR = 3_600_000;
const BERLIN = { timezone: 'Europe/Berlin' };

describe('report overview', () => {
  test('has the totals of 7 days and of those before, percentiles between two values if they fall there', async () => {
    const { report } = await exampleMirror();
    // Queue: 1, 1, 2, 2, 3, 4, 5 s; the 95th is 4 + 0.7 x 1. Run: 10 to 50 s; the 95th is 40 + 0.8 x 10.
    expect(linesOf((await report('overview')).totals)).toEqual([
      'current 10 3 3 3 0.5 4700 30000 48000',
      'before 0 0 0 0 - - - -',
    ]);
    const since = '2026-03-29T00:00:00.000Z';
    expect(linesOf((await report('overview', { since, until: '2026-03-30T00:00:00.000Z' })).totals)).toEqual([
      'current 3 1 1 0 0.5 4950 45000 49500',
      'before 2 0 2 0 0 3000 30000 30000',
    ]);
  });

  test('has the top failures, what is open whenever it was created, the last days and the freshness', async () => {
    const { report, claim } = await exampleMirror();
    await claim.commit(changeOf({ ledger: { watermark: NOW - 60_000, gaps: [] } }));
    const { errors, statuses, days, sources } = await report('overview', {
      since: '2026-03-30T10:30:00.000Z',
    });
    expect(errors).toEqual([]);
    expect(linesOf((await report('overview')).errors)).toEqual([
      'Tool x timed out after <n> ms 2 2026-03-28T10:15:00.000Z',
      '- 1 2026-03-29T00:30:00.000Z',
    ]);
    expect(linesOf(statuses)).toEqual([
      `running 1 2026-03-30T09:00:00.000Z ${3 * HOUR}`,
      `awaiting_approval 1 2026-03-30T10:00:00.000Z ${2 * HOUR}`,
      `pending 1 2026-03-30T11:00:00.000Z ${HOUR}`,
    ]);
    expect(linesOf(days)).toEqual(['2026-03-30 1 0 0 -']);
    expect(linesOf(sources)).toEqual(['default 2026-03-30T11:59:00.000Z 60000 0 0 - -']);
  });

  test('has the last days up to now, whatever date a task claims to have', async () => {
    const { report } = await mirrorOf([
      taskOf('today', 'completed', '2026-03-30T09:00:00.000Z'),
      taskOf('ahead', 'completed', '9999-12-31T23:59:59.999Z'),
    ]);
    expect(linesOf((await report('overview')).days)).toEqual(['2026-03-30 1 1 0 1']);
  });

  test('fits one screen, however many days, failures and tasks there are', async () => {
    const tasks = Array.from({ length: 400 }, (_, nth) =>
      taskOf(
        `t${nth}`,
        nth % 2 === 0 ? 'failed' : 'completed',
        new Date(NOW - nth * 6 * HOUR).toISOString(),
        {
          error: 'abcdefghij'.slice(nth % 10),
        },
      ),
    );
    const { report } = await mirrorOf(tasks);
    const sections = Object.values(await report('overview', { since: '2020-01-01T00:00:00.000Z' }));
    const lines = sections.reduce((sum, rows) => sum + rows.length + 3, 2);
    expect(lines).toBeLessThanOrEqual(35);
  });
});

describe('report daily', () => {
  test('counts by local day, and a day of 23 hours is one', async () => {
    const { report } = await exampleMirror();
    expect(linesOf((await report('daily')).days)).toEqual([
      '2026-03-27 2 2 0 0 0 1',
      '2026-03-28 2 0 2 0 0 0',
      '2026-03-29 3 1 1 1 0 0.5',
      '2026-03-30 3 0 0 0 3 -',
    ]);
    // 22:30 UTC is 23:30, 23:30 UTC is the next day; on 29 March 22:15 UTC is 00:15 already.
    expect(linesOf((await report('daily', BERLIN)).days)).toEqual([
      '2026-03-27 1 1 0 0 0 1',
      '2026-03-28 3 1 2 0 0 0.3333',
      '2026-03-29 2 0 1 1 0 0',
      '2026-03-30 4 1 0 0 3 1',
    ]);
  });

  test('has days without a task, the newest if there is a limit, and begins 30 local days ago', async () => {
    const old = taskOf('old', 'completed', '2026-02-28T12:00:00.000Z');
    const { report, asked } = await mirrorOf([
      old,
      taskOf('first', 'completed', '2026-02-28T23:00:00.000Z'),
      taskOf('last', 'completed', '2026-03-28T12:00:00.000Z'),
    ]);
    expect(linesOf((await report('daily', { limit: 4 })).days)).toEqual([
      '2026-03-27 0 0 0 0 0 -',
      '2026-03-28 1 1 0 0 0 1',
      '2026-03-29 0 0 0 0 0 -',
      '2026-03-30 0 0 0 0 0 -',
    ]);
    // Midnight of 1 March is 23:00 UTC of the day before.
    expect((await runReport('daily', asked, { ...EVERYTHING, ...BERLIN })).since).toBe(
      '2026-02-28T23:00:00.000Z',
    );
    expect((await report('daily', BERLIN)).days?.[0]).toMatchObject({ day: '2026-03-01', tasks: 1 });
    expect((await report('daily', BERLIN)).days).toHaveLength(30);
  });
});

test('report latency has the percentiles of the period and of each day', async () => {
  const { report } = await exampleMirror();
  const { summary, days } = await report('latency');
  expect(linesOf(summary)).toEqual(['queue 7 2000 4700 4940', 'run 5 30000 48000 49600']);
  expect(linesOf(days)).toEqual([
    '2026-03-27 1500 1950 15000 19500',
    '2026-03-28 3000 3000 30000 30000',
    '2026-03-29 4500 4950 45000 49500',
    '2026-03-30 1500 1950 - -',
  ]);
});

describe('report users, sessions, errors', () => {
  test('count by user, those with the most tasks first', async () => {
    const { report } = await exampleMirror();
    expect(linesOf((await report('users')).users)).toEqual([
      'ada 5 3 1 0 1 0.75 110000 2026-03-30T10:00:00.000Z',
      'bob 4 0 2 1 1 0 40000 2026-03-30T09:00:00.000Z',
      'eve 1 0 0 0 1 - - 2026-03-30T11:00:00.000Z',
    ]);
    expect(linesOf((await report('users', { status: 'failed', limit: 1 })).users)).toEqual([
      'bob 2 0 2 0 0 0 40000 2026-03-29T00:30:00.000Z',
    ]);
  });

  test('count by session, of as many tasks the one with the newest first', async () => {
    const { report } = await exampleMirror();
    expect(linesOf((await report('sessions', { limit: 4 })).sessions)).toEqual([
      's2 ada 3 1 0.5 80000 2026-03-28T10:00:00.000Z 2026-03-30T10:00:00.000Z',
      's3 bob 3 2 0 40000 2026-03-28T10:15:00.000Z 2026-03-29T10:00:00.000Z',
      's1 ada 2 0 1 30000 2026-03-27T22:30:00.000Z 2026-03-27T23:30:00.000Z',
      's5 eve 1 0 - - 2026-03-30T11:00:00.000Z 2026-03-30T11:00:00.000Z',
    ]);
  });

  test('count failures by what their errors have in common, with their share of all of them', async () => {
    const { report } = await exampleMirror();
    const all = [
      'Tool x timed out after <n> ms 2 0.6667 2 2026-03-28T10:15:00.000Z b1',
      '- 1 0.3333 1 2026-03-29T00:30:00.000Z b2',
    ];
    expect(linesOf((await report('errors')).errors)).toEqual(all);
    expect(linesOf((await report('errors', { limit: 1 })).errors)).toEqual(all.slice(0, 1));
    expect(linesOf((await report('errors', { user: 'ada' })).errors)).toEqual([
      'Tool x timed out after <n> ms 1 1 1 2026-03-28T10:00:00.000Z a3',
    ]);
  });
});

describe('report open, slowest, hours', () => {
  test('list what is open, the oldest first, with how long it has its status', async () => {
    const { report, claim, clock } = await exampleMirror();
    clock.advance(-HOUR / 2);
    await claim.commit(changeOf({ tasks: [taskOf('e1', 'running', '2026-03-30T11:00:00.000Z')] }));
    expect(linesOf((await report('open')).tasks)).toEqual([
      `b4 running bob ${3 * HOUR} 0 Task b4`,
      `a5 awaiting_approval ada ${2 * HOUR} 0 Task a5`,
      `e1 running ada ${HOUR} ${HOUR / 2} Task e1`,
    ]);
    expect(linesOf((await report('open', { status: 'running' })).statuses)).toEqual([
      `running 2 2026-03-30T09:00:00.000Z ${3 * HOUR}`,
    ]);
  });

  test('list the slowest first', async () => {
    const { report } = await exampleMirror();
    expect(linesOf((await report('slowest', { limit: 2, since: '2026-03-28T00:00:00.000Z' })).tasks)).toEqual(
      [
        'a4 completed ada 2026-03-29T22:15:00.000Z 5000 50000 Task a4',
        'b2 failed bob 2026-03-29T00:30:00.000Z 4000 40000 Task b2',
      ],
    );
  });

  test('count by local weekday and hour', async () => {
    const { report } = await exampleMirror();
    expect(linesOf((await report('hours', BERLIN)).hours)).toEqual([
      'Mon 0 1 1 0',
      'Mon 11 1 0 0',
      'Mon 12 1 0 0',
      'Mon 13 1 0 0',
      'Fri 23 1 1 0',
      'Sat 0 1 1 0',
      'Sat 11 2 0 2',
      'Sun 1 1 0 1',
      'Sun 12 1 0 0',
    ]);
  });
});

test('report freshness has every source and the last runs', async () => {
  const { report, claim, clock, asked } = await exampleMirror();
  expect((await runReport('freshness', asked, EVERYTHING)).completeThrough).toBeNull();
  const run = await claim.startRun('backfill');
  clock.advance(1_500);
  await claim.finishRun(run, RECORD);
  const gap = { lower: NOW - 7_000, upper: NOW - 5_000 };
  await claim.commit(changeOf({ ledger: { watermark: NOW - 1_000, gaps: [gap] } }));
  expect(linesOf((await report('freshness')).sources)).toEqual([
    'default 2026-03-30T11:59:53.000Z 7000 1 0 2026-03-30T12:00:01.500Z -',
  ]);
  expect(linesOf((await report('freshness', { limit: 1 })).runs)).toEqual([
    '2026-03-30T12:00:00.000Z default backfill ok clean 3 2 1500',
  ]);
  expect((await runReport('daily', asked, EVERYTHING)).completeThrough).toBe('2026-03-30T11:59:53.000Z');
});

describe('every report', () => {
  const names = REPORTS.map(({ name }) => name);

  test('is one of ten', () => {
    expect(names.join(' ')).toBe('overview daily latency users sessions errors open slowest hours freshness');
  });

  test('gives rows as wide as its columns, and charts of columns that it has', async () => {
    const { asked } = await exampleMirror();
    for (const name of names) {
      const { sections } = await runReport(name, asked, EVERYTHING);
      expect(sections.length).toBeGreaterThan(0);
      for (const { columns, rows, chart } of sections) {
        const known = columns.map((column) => column.name);
        expect(new Set(known).size).toBe(known.length);
        for (const row of rows) expect(row).toHaveLength(columns.length);
        const { kind: _, ...used } = chart ?? { kind: null };
        expect(known).toEqual(expect.arrayContaining(Object.values(used)));
      }
    }
  });

  test('works on a mirror without tasks', async () => {
    const { asked } = await mirrorOf([]);
    const scope = { ...EVERYTHING, user: 'ada', until: '2026-03-30T00:00:00.000Z' };
    for (const name of names) {
      expect(await runReport(name, asked, scope)).toMatchObject({ name, completeThrough: null });
    }
  });

  test('refuses an unknown time zone and a period that ends before it begins', async () => {
    const { asked } = await mirrorOf([]);
    const day = '2026-03-30T00:00:00.000Z';
    for (const name of names) {
      const at = (scope: object) => runReport(name, asked, { ...EVERYTHING, ...scope });
      await expect(at({ timezone: 'Mars/Olympus' })).rejects.toThrow(UsageError);
      await expect(at({ since: day, until: day })).rejects.toThrow(UsageError);
    }
  });
});

test('an unknown report is refused with the names of all', async () => {
  const { asked } = await mirrorOf([]);
  expect(await toldBy(() => runReport('dayly', asked, EVERYTHING))).toMatchObject({
    exitCode: 2,
    hint: expect.stringContaining('overview, daily, latency'),
  });
});

test('a period of more hours than can be counted is refused with advice', async () => {
  const { report } = await mirrorOf([taskOf('old', 'completed', '0001-01-01T00:00:00.000Z')]);
  expect(await toldBy(() => report('hours'))).toMatchObject({
    exitCode: 2,
    hint: expect.stringContaining('--since'),
  });
  expect((await report('hours', { since: '2026-01-01T00:00:00.000Z' })).hours).toEqual([]);
});
