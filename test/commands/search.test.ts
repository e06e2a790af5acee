import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { search, type SearchFlags } from '../../src/cli/commands/search.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { type TaskmirrorError, UsageError } from '../../src/model/errors.ts';
import type { Task } from '../../src/model/task.ts';
import { READER_INDEXES } from '../../src/store/sqlite/reader-indexes.ts';
import { changeOf, mirrorTask } from '../contracts/mirror-store.ts';
import { at, EPOCH } from '../support/tasks.ts';
import { askedMirror, type AskedMirror } from './asked-mirror.ts';
import { told } from '../support/told.ts';

const DAY = 86_400_000;
const NEVER = new AbortController().signal;

let mirror: AskedMirror;
beforeEach(async () => {
  mirror = await askedMirror();
});

async function fill(tasks: readonly Task[]): Promise<void> {
  await mirror.claim.commit(changeOf({ tasks }));
  await mirror.claim.prepareForReaders(NEVER);
}

/** Ids that a search finds, in order. */
async function ids(words: string | readonly string[], flags: Partial<SearchFlags> = {}): Promise<string[]> {
  const context = mirror.contextFor();
  const typed = typeof words === 'string' ? [words] : words;
  expect(await search(context, typed, { limit: '1000', ...flags, format: 'json' })).toBe(EXIT.done);
  return (JSON.parse(context.stdout.text) as { id: string }[]).map(({ id }) => id);
}

const sortedIds = async (flags: Partial<SearchFlags>): Promise<string[]> =>
  (await ids('word', flags)).toSorted();

/** What a search is refused with. */
async function refusal(words: string, flags: Partial<SearchFlags> = {}): Promise<TaskmirrorError> {
  const context = mirror.contextFor();
  const failed = await search(context, [words], { limit: '20', format: 'csv', ...flags }).catch(
    (error: unknown) => error,
  );
  expect(failed).toBeInstanceOf(UsageError);
  expect(context.stdout.text).toBe('');
  return failed as UsageError;
}

const task = (id: string, fields: Partial<Task>, age = 0): Task =>
  mirrorTask(id, age, { message: null, createdAt: at(EPOCH - age), ...fields });

describe('search finds', () => {
  test('tasks that hold all of the words, in any of the three columns, whatever their case and accents', async () => {
    await fill([
      task('message', { message: 'Roll back in Zürich after the outage' }),
      task('spread', { message: 'the outage', systemPrompt: 'You are in ZURICH.' }),
      task('error', { error: 'zurich: outage' }),
      task('one', { message: 'Zürich' }),
      task('longer', { message: 'outages in zurich' }),
    ]);
    const found = await ids(['zürich', 'OUTAGE']);
    expect(found.toSorted()).toEqual(['error', 'message', 'spread']);
    expect(await ids('zürich  outage')).toEqual(found);
  });

  test('nothing that was removed, and again what has returned', async () => {
    await fill([task('a', { message: 'word' }), task('b', { message: 'word' })]);
    await mirror.claim.remove(['a']);
    expect(await ids('word')).toEqual(['b']);
    await mirror.claim.commit(changeOf({ tasks: [task('a', { message: 'word' })] }));
    expect((await ids('word')).toSorted()).toEqual(['a', 'b']);
  });

  test('ranks the message first and a long system prompt last', async () => {
    const prompt = `You are careful. ${'Never guess. '.repeat(30)}Mind the quota.`;
    await fill([
      task('prompt', { message: 'Hello there', systemPrompt: prompt }),
      task('error', { message: 'Hello there', error: 'quota exceeded' }),
      task('message', { message: 'Which quota?', error: 'not found' }),
      ...Array.from({ length: 20 }, (_, i) => task(`other${i}`, { message: 'Something else' })),
    ]);
    expect(await ids('quota')).toEqual(['message', 'error', 'prompt']);
  });

  test('only tasks that match the flags, and at most the limit', async () => {
    await fill([
      task('new', { message: 'word', status: 'failed', username: 'ada' }, DAY),
      task('old', { message: 'word', status: 'failed', username: 'bob' }, 10 * DAY),
      task('done', { message: 'word', username: 'ada' }, 5 * DAY),
    ]);
    expect(await sortedIds({ status: 'failed' })).toEqual(['new', 'old']);
    expect(await sortedIds({ user: 'ada' })).toEqual(['done', 'new']);
    expect(await sortedIds({ since: at(EPOCH - 5 * DAY) })).toEqual(['done', 'new']);
    expect(await sortedIds({ until: at(EPOCH - 5 * DAY) })).toEqual(['old']);
    expect(await sortedIds({ status: 'failed', user: 'ada', since: at(EPOCH - 5 * DAY) })).toEqual(['new']);
    expect(await sortedIds({ limit: '2' })).toHaveLength(2);
    expect(await sortedIds({ user: "ada' or 1 --" })).toEqual([]);
  });

  test('no task in a period that ends before it begins: that is refused', async () => {
    await fill([task('new', { message: 'word' })]);
    const { message } = await refusal('word', { since: '2026-01-02', until: '2026-01-01' });
    expect(message).toBe('--since 2026-01-02 is not before --until 2026-01-01');
  });
});

/** The words of a text, as the index cuts and folds them. */
const tokens = (from: string): string[] =>
  from
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .match(/[a-z0-9]+/g) ?? [];

const holds = (message: string, word: string): boolean =>
  ` ${tokens(message).join(' ')} `.includes(` ${tokens(word).join(' ')} `);

describe('a word is never syntax', () => {
  test.each([
    '^deploy',
    'deploy"',
    '"deploy',
    '"" deploy',
    'deploy*',
    '- deploy',
    '+deploy',
    '(deploy',
    'deploy 🚀',
    'deploy\0staging',
    '\ud800deploy',
    'to '.repeat(300),
  ])('%j is found', async (words) => {
    await fill([task('a', { message: 'deploy to staging' })]);
    expect(await ids(words)).toEqual(['a']);
  });

  test.each([
    'NEAR',
    'NOT deploy',
    'deploy OR',
    'AND',
    'depl*',
    'message:deploy',
    'NEAR(deploy staging, 2)',
    '{message error}: deploy',
    "deploy'; drop table tasks --",
    '部署 deploy',
    'x '.repeat(499),
  ])('%j is not found', async (words) => {
    await fill([task('a', { message: 'deploy to staging' })]);
    expect(await ids(words)).toEqual([]);
  });

  test('any text finds exactly the tasks that hold each of its words, letters and digits beside each other', async () => {
    const piece = fc.constantFrom(
      'ab',
      'AB',
      'c',
      'near',
      'NOT',
      '"',
      '*',
      ':',
      '(',
      ')',
      '-',
      ' ',
      '  ',
      '^',
      '.',
      '7',
      'é',
      '+',
    );
    const text = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));
    const messages = fc.sample(text, { seed: 7, numRuns: 60 });
    await fill(messages.map((message, i) => task(`t${i}`, { message })));
    await fc.assert(
      fc.asyncProperty(
        text.filter((some) => tokens(some).length > 0),
        async (words) => {
          const wanted = words.split(/\s+/).filter((word) => tokens(word).length > 0);
          const expected = messages.flatMap((message, i) =>
            wanted.every((word) => holds(message, word)) ? [`t${i}`] : [],
          );
          expect((await ids(words)).toSorted()).toEqual(expected.toSorted());
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each([
    ['nothing but signs', '"*" 🚀 -', /no word/],
    ['a very long text', 'a'.repeat(1_001), /1001 characters is too long/],
    ['a very long text of words', 'ab '.repeat(400), /too long/],
  ])('%s is refused', async (_what, words, says) => {
    await fill([task('a', { message: 'a' })]);
    expect((await refusal(words)).message).toMatch(says);
  });
});

describe('search --raw', () => {
  beforeEach(() =>
    fill([
      task('a', { message: 'deploying to staging', error: 'timed out' }),
      task('b', { message: 'deploy to production' }),
      task('c', { message: 'timed', error: 'deploy' }),
    ]),
  );

  test.each([
    ['deploy*', ['a', 'b', 'c']],
    ['deploy* NOT production', ['a', 'c']],
    ['error: deploy', ['c']],
    ['"to staging" OR "to production"', ['a', 'b']],
    ['NEAR(deploy production, 1)', ['b']],
    ['-error: deploy*', ['a', 'b']],
  ])('takes %s as FTS5 does', async (words, expected) => {
    expect((await ids(words, { raw: true })).toSorted()).toEqual(expected);
  });

  test.each([
    '"',
    'deploy AND',
    'nothing:deploy',
    '(deploy',
    '*',
    '',
    'a'.repeat(1_001),
    'NEAR(',
    'deploy\0',
  ])('refuses %j, saying why', async (words) => {
    const { message } = await refusal(words, { raw: true });
    expect(message).toMatch(/FTS5 does not understand this query: .|too long|NUL/);
    expect(message).not.toContain('SQLite cannot run this SQL');
  });
});

describe('the index', () => {
  test('that is missing is reported, with the way to get it', async () => {
    await mirror.claim.commit(changeOf({ tasks: [task('a', { message: 'word' })] }));
    const { message, hint } = told(await refusal('word'));
    expect(message).toBe('this mirror has no search index');
    expect(hint).toContain('searchIndex');
  });

  test('that is not complete is searched as far as it goes, and stderr says how far that is', async () => {
    const tasks = Array.from({ length: 4_500 }, (_, i) => task(`t${i}`, { message: 'word' }));
    await mirror.claim.commit(changeOf({ tasks }));
    let looks = 0;
    const afterTwoOfItsSteps = new Proxy(NEVER, {
      get: (signal, name) =>
        name === 'aborted'
          ? (looks += 1) > READER_INDEXES.length + 2
          : (Reflect.get(signal, name, signal) as unknown),
    });
    await mirror.claim.prepareForReaders(afterTwoOfItsSteps);
    const context = mirror.contextFor();
    await search(context, ['word'], { limit: '1000', format: 'jsonl' });
    expect(context.stdout.lines).toHaveLength(1_000);
    expect(context.stderr.text).toContain('holds 4,000 of 4,500 tasks so far');
  });
});

async function printed(columns: number | undefined, flags: Partial<SearchFlags> = {}): Promise<string> {
  const context = mirror.contextFor(columns);
  await search(context, ['zurich'], { limit: '20', format: 'table', ...flags });
  return context.stdout.text;
}

describe('what search prints', () => {
  const message =
    'Rotate the key\n\u001b[31mof Zürich\u001b[0m today [soon], please; the old one is in the vault of the office';
  beforeEach(() =>
    fill([
      task('t1', { message, status: 'failed', username: 'ada' }),
      task('t-22', { error: 'zurich', username: null, createdAt: '2026-01-26T15:58:01.000Z' }),
    ]),
  );

  test('to a pipe: whole, found words in brackets, nothing that acts on a terminal', async () => {
    expect(await printed(undefined)).toBe(
      't-22  completed  -    2026-01-26 15:58\n' +
        '  [zurich]\n' +
        't1    failed     ada  2026-02-01 00:00\n' +
        '  Rotate the key \\u001b[31mof [Zürich]\\u001b[0m today [soon], please; the old one is in the vault…\n',
    );
  });

  test('to a terminal: found words bold, lines cut to its width', async () => {
    expect(await printed(40)).toBe(
      't-22  completed  -    2026-01-26 15:58\n' +
        '  \u001b[1mzurich\u001b[22m\n' +
        't1    failed     ada  2026-02-01 00:00\n' +
        '  Rotate the key \\u001b[31mof \u001b[1mZürich\u001b[22m\\u0…\n',
    );
    for (const columns of [80, 120]) {
      const widest = stripVTControlCharacters(await printed(columns))
        .split('\n')
        .map((line) => line.length);
      expect(Math.max(...widest)).toBeLessThanOrEqual(columns);
    }
  });

  test('as JSON: the text as it is, with rank and snippet', async () => {
    const rows = JSON.parse(await printed(80, { format: 'json' })) as Record<string, unknown>[];
    expect(rows[1]).toEqual({
      id: 't1',
      status: 'failed',
      username: 'ada',
      created_at: '2026-02-01T00:00:00.000Z',
      rank: expect.any(Number) as number,
      snippet: expect.stringContaining('\n\u001b[31mof [Zürich]\u001b[0m') as string,
    });
    expect(Number(rows[0]?.['rank'])).toBeLessThan(Number(rows[1]?.['rank']));
  });

  test('if nothing is found: a sentence for people, an empty list for programs', async () => {
    const context = mirror.contextFor(80);
    await search(context, ['nowhere'], { limit: '20', format: 'table' });
    expect(context.stdout.text).toBe('nothing found\n');
    expect(await ids('nowhere')).toEqual([]);
  });

  test('if there may be more than the limit: a line on stderr', async () => {
    const context = mirror.contextFor(80);
    await search(context, ['zurich'], { limit: '1', format: 'table' });
    expect(context.stderr.text).toBe('There may be more: --limit takes up to 1,000.\n');
  });
});

test.each(['0', '1001', '-1', '1.5', 'ten', ''])('--limit %s is refused', async (limit) => {
  await fill([task('a', { message: 'a' })]);
  expect((await refusal('a', { limit })).message).toContain('from 1 to 1,000');
});
