import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, load, problemsOf, usageError } from './folder.ts';
import { told } from '../support/told.ts';

const SECRET = 'sigmic_0123456789abcdef';
const PLAIN_SECRET = 'hunter2hunter2';
const SOURCE = { name: 'work', apiKey: { env: 'WORK_KEY' } };

/** What is wrong with a file, without the file's name. */
const inFile = async (file: unknown, cwd = folder({ 'taskmirror.config.json': file })) =>
  (await problemsOf(undefined, { cwd })).map((line) =>
    line.replaceAll(join(cwd, 'taskmirror.config.json'), 'FILE'),
  );

test('all problems are reported at once, each with its place, its value and the expectation', async () => {
  const cwd = folder({
    'taskmirror.config.json': {
      timezone: 'Mars/Base',
      pagesize: 10,
      sync: { pageSize: 2, concurrency: 1.5, retries: 3 },
      sources: [SOURCE, { name: 'a b' }, SOURCE, 5],
      omitFields: ['message', 'status'],
      log: 'loud',
    },
  });
  const env = { TASKMIRROR_SCHEDULE: '* * *', TASKMIRROR_OMIT_FIELDS: 'id' };
  const error = await usageError(() => load(undefined, { cwd, env, flags: { db: '' } }));
  const file = join(cwd, 'taskmirror.config.json');
  expect(told(error).exitCode).toBe(2);
  expect(told(error).hint).toContain('taskmirror config check');
  const [title, ...lines] = error.message.replaceAll(file, 'FILE').split('\n- ');
  expect(title).toBe('The settings have 13 problems:');
  expect(lines.toSorted()).toEqual([
    'environment variable TASKMIRROR_SCHEDULE is "* * *": expected a cron expression of five fields, or six with seconds first: it has 3 fields',
    'flag --db is "": expected the path of a file, or postgres://USER@HOST:PORT/DATABASE',
    'log in file FILE is "loud": expected an object',
    'omitFields[0] in environment variable TASKMIRROR_OMIT_FIELDS is "id": expected one of apiKeyId, username, sessionId, conversationId, message, systemPrompt, env, error, extra',
    'pagesize in file FILE is not a setting, did you mean sync.pageSize?',
    'sources[1].apiKey in file FILE is missing: expected one of {"env": NAME}, {"file": PATH}, {"command": TEXT} (never the key itself)',
    'sources[1].name in file FILE is "a b": expected 1 to 64 letters, digits, dots, hyphens or underscores, a letter or digit first',
    'sources[2].name in file FILE is "work": expected a unique name',
    'sources[3] in file FILE: expected an object',
    'sync.concurrency in file FILE is 1.5: expected a whole number from 1 to 32',
    'sync.pageSize in file FILE is 2: expected a whole number from 3 to 100',
    'sync.retries in file FILE is not a setting',
    'timezone in file FILE is "Mars/Base": expected an IANA time zone such as UTC or Europe/Berlin',
  ]);
});

test.for<[unknown, string]>([
  [{ sync: { pageSize: 101 } }, 'sync.pageSize'],
  [{ sync: { concurrency: 0 } }, 'sync.concurrency'],
  [{ sync: { concurrency: 33 } }, 'sync.concurrency'],
  [{ sync: { overlapSeconds: 604_801 } }, 'sync.overlapSeconds'],
  [{ sync: { requestTimeoutSeconds: 0.5 } }, 'sync.requestTimeoutSeconds'],
  [{ sync: { requestTimeoutSeconds: 601 } }, 'sync.requestTimeoutSeconds'],
  [{ sync: { maxRequestsPerSecond: 0 } }, 'sync.maxRequestsPerSecond'],
  [{ sync: { maxRequestsPerSecond: 1001 } }, 'sync.maxRequestsPerSecond'],
  [{ sync: null }, 'sync'],
  [{ database: null }, 'database'],
  [{ schedule: '@daily' }, 'schedule'],
  [{ schedule: '61 * * * *' }, 'schedule'],
  [{ schedule: '0-99999999 * * * *' }, 'schedule'],
  [{ fullSchedule: '* * * * * * *' }, 'fullSchedule'],
  [{ log: { level: 'verbose' } }, 'log.level'],
  [{ log: { format: null } }, 'log.format'],
  [{ sources: [{ ...SOURCE, name: '.hidden' }] }, 'sources[0].name'],
  [{ sources: [{ ...SOURCE, name: 'x'.repeat(65) }] }, 'sources[0].name'],
  [{ sources: [{ ...SOURCE, baseUrl: 'http://api.example' }] }, 'sources[0].baseUrl'],
  [{ sources: [{ ...SOURCE, apiKey: { env: 'A', file: 'b' } }] }, 'sources[0].apiKey'],
  [{ sources: 'work' }, 'sources'],
  ['{"__proto__": {"timezone": "UTC"}}', '__proto__'],
])('%j is refused', async ([file, path]) => {
  const lines = await inFile(file);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.startsWith(`${path} in file FILE`)).toBe(true);
});

test('a section of the wrong kind is reported even if the environment sets something in it', async () => {
  const cwd = folder({ 'taskmirror.config.json': { sync: [] } });
  expect(await problemsOf(undefined, { cwd, env: { TASKMIRROR_SYNC_PAGE_SIZE: '5' } })).toEqual([
    `sync in file ${join(cwd, 'taskmirror.config.json')} is a list: expected an object`,
  ]);
});

test('a long list of problems is cut', async () => {
  const file = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`zzzzzzzzzz${index}`, 1]));
  const lines = await inFile(file);
  expect(lines).toHaveLength(51);
  expect(lines.at(-1)).toBe('and 10 more');
});

describe('a file that cannot be used', () => {
  test.for([
    ['{\n  "timezone": "UTC",\n  oops\n}', 'is not valid JSON: unexpected "o" at line 3, column 3'],
    ['', 'is not valid JSON: unexpected end at line 1, column 1'],
    ['[]', 'does not hold a JSON object'],
    ['null', 'does not hold a JSON object'],
    [`"${'x'.repeat(1024 * 1024)}"`, 'is larger than 1024 KB'],
  ])('%.20s: %s', async ([text, problem]) => {
    expect(await inFile(text)).toEqual([`settings file FILE ${problem}`]);
  });

  test('is named with the flag or variable that named it, along with all other problems', async () => {
    const cwd = folder();
    const flag = await problemsOf(undefined, { cwd, flags: { config: 'no.json', db: '' } });
    expect(flag).toEqual([
      `settings file ${join(cwd, 'no.json')} (flag --config) does not exist`,
      'flag --db is "": expected the path of a file, or postgres://USER@HOST:PORT/DATABASE',
    ]);
    expect(await problemsOf(undefined, { cwd, env: { TASKMIRROR_CONFIG: '.' } })).toEqual([
      `settings file ${cwd} (environment variable TASKMIRROR_CONFIG) is a directory`,
    ]);
  });
});

test.for<[string, unknown]>([
  ['as the key', { sources: [{ name: 'a', apiKey: PLAIN_SECRET }] }],
  ['as the name of a variable', { sources: [{ name: 'a', apiKey: { env: SECRET } }] }],
  ['as a key of its own', { sources: [{ name: 'a', apiKey: { value: PLAIN_SECRET } }] }],
  ['as an unknown setting of a source', { sources: [{ ...SOURCE, token: PLAIN_SECRET }] }],
  ['as an unknown setting', { apiKey: PLAIN_SECRET }],
  ['as the name of a setting', { [SECRET]: true }],
  ['as a source', { sources: [PLAIN_SECRET] }],
  ['as the list of sources', { sources: PLAIN_SECRET }],
  ['as the name of a source', { sources: [{ name: `my ${SECRET}`, apiKey: { env: 'A' } }] }],
  ['in a base URL', { sources: [{ ...SOURCE, baseUrl: `https://u:${PLAIN_SECRET}@x.example` }] }],
  [
    'in the query of a base URL',
    { sources: [{ ...SOURCE, baseUrl: `https://x.example?k=${PLAIN_SECRET}` }] },
  ],
  ['as a value of the wrong kind', { timezone: SECRET }],
  ['without quotes', `{"sources": [{"name": "a", "apiKey": ${PLAIN_SECRET}}]}`],
])('a key that was pasted into the file %s is not repeated', async ([, file]) => {
  const error = await usageError(() => load(file));
  const text = `${error.message} ${told(error).hint} ${error.stack} ${String(error.cause)}`;
  expect(text).not.toContain(SECRET.slice(8));
  expect(text).not.toContain(PLAIN_SECRET);
});

test('a key that was pasted into TASKMIRROR_SOURCES is not repeated', async () => {
  for (const text of [
    `[{"name":"a","apiKey":${PLAIN_SECRET}}]`,
    `[{"name":"a","apiKey":"${PLAIN_SECRET}"}]`,
  ]) {
    const lines = await problemsOf(undefined, { env: { TASKMIRROR_SOURCES: text } });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('TASKMIRROR_SOURCES');
    expect(lines[0]).not.toContain(PLAIN_SECRET);
  }
});

test('control characters of a value do not reach the terminal', async () => {
  const [line] = await inFile({ timezone: '\u001b[31m\u009bred' });
  expect(line).toContain(String.raw`"\u001b[31m\u009bred"`);
});
