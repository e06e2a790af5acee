import { beforeAll, expect, test } from 'vitest';
import { UsageError } from '../../../src/model/errors.ts';
import type { Task } from '../../../src/model/task.ts';
import { searchTasks, type SearchRequest } from '../../../src/reports/search.ts';
import { mirrorTask } from '../../contracts/mirror-store.ts';
import { type BothEngines, bothEngines } from '../../support/postgres/both.ts';
import { describeWithServer } from '../../support/postgres/server.ts';
import { at, EPOCH } from '../../support/tasks.ts';

const DAY = 86_400_000;
const task = (id: string, fields: Partial<Task>, age = 0): Task =>
  mirrorTask(id, age, { message: null, createdAt: at(EPOCH - age), ...fields });

const LONG = `${'The quick brown fox jumps over the lazy dog. '.repeat(20)}Here is a needle: find it among the words that follow, however many there are of them. ${'And so on. '.repeat(40)}`;

const TASKS: Task[] = [
  task(
    'message',
    { message: 'Roll back in Zürich after the outage', status: 'failed', username: 'ada' },
    DAY,
  ),
  task('spread', { message: 'the outage', systemPrompt: 'You are in ZURICH.', username: 'bob' }, 3 * DAY),
  task('error', { error: 'zurich: outage', status: 'failed' }, 10 * DAY),
  task('longer', { message: 'outages in zurich' }),
  task('file', { message: 'db_pool.ts timed out in src/store/db_pool.ts:42' }),
  task('no-file', { message: 'the db pool of ts files: pool db' }),
  task('across', { message: 'look at db', error: 'pool ts' }),
  task('cjk', { message: '部署 失败 in 東京, データベース' }),
  task('case', { message: 'ÉCOLE straße ΣΊΣΥΦΟΣ Ёлка NAÏVE İstanbul' }),
  task('emoji', { message: 'deploy 🚀 done — “quoted” x…y' }),
  task('nul', { message: 'before\0after \u2400 sign' }),
  task('long', { message: LONG }),
  task('prompt', {
    message: 'Hello there',
    systemPrompt: `Careful. ${'Never guess. '.repeat(30)}Mind the quota.`,
  }),
  task('quota-error', { message: 'Hello there', error: 'quota exceeded' }),
  task('quota', { message: 'Which quota?', error: 'not found' }),
  task('json', { message: '{"key": "value-1", "list": [1e5, 0x1f, 3.14]}' }),
  task('url', { message: 'see https://example.com/a/b?c=d and mail me@example.com' }),
  task('gone', { message: 'outage in zurich, removed' }),
  ...Array.from({ length: 20 }, (_, nth) => task(`other${nth}`, { message: `Something else ${nth} word` })),
];

let both: BothEngines;
async function fill(): Promise<void> {
  both = await bothEngines(TASKS);
  await both.each((claim) => claim.remove(['gone']));
}

const REQUEST: SearchRequest = {
  text: '',
  raw: false,
  limit: 1_000,
  marks: ['[', ']'],
  status: null,
  user: null,
  since: null,
  until: null,
};

async function found(text: string, more: Partial<SearchRequest> = {}) {
  const request = { ...REQUEST, text, ...more };
  const [sqlite, postgres] = [
    await searchTasks(both.sqlite, request),
    await searchTasks(both.postgres, request),
  ];
  expect(postgres.columns).toEqual(sqlite.columns);
  return { sqlite: sqlite.rows, postgres: postgres.rows };
}

const idsOf = (rows: readonly (readonly unknown[])[]): string[] => rows.map(([id]) => String(id)).toSorted();

describeWithServer('a search on PostgreSQL', () => {
  beforeAll(fill, 120_000);

  test.each([
    'zürich outage',
    'ZURICH',
    'outage',
    'outages',
    'db_pool.ts',
    'src/store/db_pool.ts:42',
    'db pool',
    'pool',
    '部署',
    '失败',
    '東京',
    'データベース',
    'データ',
    'école',
    'ECOLE',
    'straße',
    'STRASSE',
    'σίσυφος',
    'елка',
    'ёлка',
    'naive',
    'istanbul',
    'deploy 🚀',
    'quoted',
    'x y',
    'x…y',
    'after',
    'before after',
    'before\0after',
    'sign',
    'quota',
    'needle',
    'NEAR',
    'NOT deploy',
    'depl*',
    '"deploy',
    '^deploy',
    'deploy)',
    'a:b',
    "outage'; drop table tasks --",
    '1e5',
    '0x1f',
    '3.14',
    '14',
    'value-1',
    'https://example.com/a/b',
    'example.com',
    'me@example.com',
    'com',
    'word',
    'removed',
    'else 7',
  ])('finds for %j what SQLite finds', async (text) => {
    const { sqlite, postgres } = await found(text);
    expect(idsOf(postgres)).toEqual(idsOf(sqlite));
    const withoutRank = (rows: typeof sqlite) =>
      new Map(rows.map(([id, status, user, created]) => [id, [status, user, created]]));
    expect(withoutRank(postgres)).toEqual(withoutRank(sqlite));
    // The same snippets, too.
    const snippets = (rows: typeof sqlite) =>
      Object.fromEntries(rows.flatMap((row) => (row[0] === 'nul' ? [] : [[row[0], row[5]]])));
    expect.soft(snippets(postgres)).toEqual(snippets(sqlite));
  });

  test('finds only what the filters let through, the newest of equals first', async () => {
    const request = async (more: Partial<SearchRequest>): Promise<string[]> => {
      const { sqlite, postgres } = await found('outage', more);
      expect(idsOf(postgres)).toEqual(idsOf(sqlite));
      return postgres.map(([id]) => String(id));
    };
    expect(await request({ status: 'failed' })).toEqual(['message', 'error']);
    expect(await request({ user: 'bob' })).toEqual(['spread']);
    expect(await request({ since: at(EPOCH - 3 * DAY) })).toHaveLength(2);
    expect(await request({ until: at(EPOCH - 3 * DAY) })).toEqual(['error']);
    const { postgres } = await found('word', { limit: 3 });
    expect(postgres.map(([id]) => id)).toEqual(['other0', 'other1', 'other10']);
  });

  test('ranks a message above an error, and that above a long prompt', async () => {
    const { sqlite, postgres } = await found('quota');
    expect(postgres.map(([id]) => id)).toEqual(['quota', 'quota-error', 'prompt']);
    expect(sqlite.map(([id]) => id)).toEqual(['quota', 'quota-error', 'prompt']);
    const ranks = postgres.map(([, , , , rank]) => Number(rank));
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expect(Math.max(...ranks)).toBeLessThan(0);
  });

  test.each([
    ['deploy:*', ['emoji']],
    ['outage & !zurich', []],
    ['outag:* & ZÜRICH', ['error', 'longer', 'message', 'spread']],
    ['db <-> pool', ['file', 'no-file']],
    ['quota:b', ['quota-error']],
    ['quota:ac | needle', ['long', 'prompt', 'quota']],
  ])('takes the raw query %s as PostgreSQL does', async (text, expected) => {
    const { postgres } = await raw(text);
    expect(idsOf(postgres)).toEqual(expected);
  });

  test.each(['deploy &', '(deploy', "'", '& |', 'a <-> ', 'deploy staging'])(
    'refuses the raw query %j, saying why',
    async (text) => {
      const failed = raw(text);
      await expect(failed).rejects.toThrow(UsageError);
      await expect(failed).rejects.toMatchObject({
        code: 'search_query_invalid',
        message: expect.stringMatching(/^PostgreSQL does not understand this query: ./) as string,
      });
    },
  );

  test.each([
    ['', 'search_without_words'],
    ['🚀 … —', 'search_without_words'],
    ['x'.repeat(1_001), 'search_text_invalid'],
  ])('refuses %j', async (text, code) => {
    for (const mirror of [both.sqlite, both.postgres]) {
      await expect(searchTasks(mirror, { ...REQUEST, text })).rejects.toMatchObject({ code });
    }
  });

  test('refuses a raw query without words, or of too many characters', async () => {
    await expect(raw('')).rejects.toMatchObject({ code: 'search_without_words' });
    await expect(raw('x'.repeat(1_001))).rejects.toMatchObject({ code: 'search_text_invalid' });
  });

  test('marks words that are looked for by their beginning, and those of one text alone', async () => {
    const { postgres } = await raw('foll:* | quota:b');
    const snippets = Object.fromEntries(postgres.map((row) => [row[0], row[5]]));
    expect(snippets['long']).toContain('[follow],');
    expect(snippets['quota-error']).toBe('[quota] exceeded');
  });
});

const raw = async (text: string): Promise<{ postgres: readonly (readonly unknown[])[] }> => ({
  postgres: (await searchTasks(both.postgres, { ...REQUEST, text, raw: true })).rows,
});
