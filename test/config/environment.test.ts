import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settingLeaves } from '../../src/config/leaves.ts';
import { visible } from '../../src/platform/terminal.ts';
import { load, problemsOf } from './folder.ts';

describe('every setting can be given by the environment', () => {
  const cases: [variable: string, text: string, path: string, value: unknown][] = [
    ['TASKMIRROR_DATABASE', '/data/m.db', 'database', '/data/m.db'],
    ['TASKMIRROR_SCHEMA', 'mirror_2', 'schema', 'mirror_2'],
    [
      'TASKMIRROR_DATABASE_PASSWORD',
      'the password itself',
      'databasePassword',
      { env: 'TASKMIRROR_DATABASE_PASSWORD' },
    ],
    ['TASKMIRROR_QUERY_DATABASE', 'null', 'queryDatabase', null],
    [
      'TASKMIRROR_QUERY_DATABASE_PASSWORD',
      'null',
      'queryDatabasePassword',
      { env: 'TASKMIRROR_QUERY_DATABASE_PASSWORD' },
    ],
    ['TASKMIRROR_SCHEDULE', '*/2 * * * * *', 'schedule', '*/2 * * * * *'],
    ['TASKMIRROR_FULL_SCHEDULE', 'null', 'fullSchedule', null],
    ['TASKMIRROR_TIMEZONE', 'Asia/Tokyo', 'timezone', 'Asia/Tokyo'],
    [
      'TASKMIRROR_SOURCES',
      '[{"name":"a","baseUrl":"https://x.example","apiKey":{"env":"K"}}]',
      'sources',
      [{ name: 'a', baseUrl: 'https://x.example', apiKey: { env: 'K' } }],
    ],
    ['TASKMIRROR_HOOKS', '[]', 'hooks', []],
    ['TASKMIRROR_SYNC_PAGE_SIZE', '3', 'sync.pageSize', 3],
    ['TASKMIRROR_SYNC_CONCURRENCY', '32', 'sync.concurrency', 32],
    ['TASKMIRROR_SYNC_OVERLAP_SECONDS', '0', 'sync.overlapSeconds', 0],
    ['TASKMIRROR_SYNC_REQUEST_TIMEOUT_SECONDS', '1.5', 'sync.requestTimeoutSeconds', 1.5],
    ['TASKMIRROR_SYNC_RETRY_SECONDS', '0.25', 'sync.retrySeconds', 0.25],
    ['TASKMIRROR_SYNC_MAX_REQUESTS_PER_SECOND', '0.5', 'sync.maxRequestsPerSecond', 0.5],
    ['TASKMIRROR_QUERIES_FOLDER', '/srv/sql', 'queriesFolder', '/srv/sql'],
    ['TASKMIRROR_OMIT_FIELDS', 'message, systemPrompt', 'omitFields', ['message', 'systemPrompt']],
    ['TASKMIRROR_SEARCH_INDEX', 'false', 'searchIndex', false],
    ['TASKMIRROR_RETENTION_CHANGES_DAYS', '90', 'retention.changesDays', 90],
    ['TASKMIRROR_RETENTION_REMOVED_DAYS', 'null', 'retention.removedDays', null],
    ['TASKMIRROR_LOG_LEVEL', 'silent', 'log.level', 'silent'],
    ['TASKMIRROR_LOG_FORMAT', 'json', 'log.format', 'json'],
  ];

  test.for(cases)('%s=%s', async ([variable, text, path, value]) => {
    const { settings } = await load(undefined, { env: { [variable]: text } });
    expect(settings).toHaveProperty(path, value);
  });

  test('and none was forgotten here', () => {
    expect(settingLeaves().map(({ variable }) => variable)).toEqual(cases.map(([variable]) => variable));
  });
});

const searchIndex = (value: string) => load(undefined, { env: { TASKMIRROR_SEARCH_INDEX: value } });

test('true and false are taken as what they say, and nothing else is', async () => {
  expect((await searchIndex('true')).settings.searchIndex).toBe(true);
  for (const value of ['0', 'no', 'False', '']) {
    await expect(searchIndex(value)).rejects.toThrow('expected true or false');
  }
});

test('a list may also be JSON, and null overrides a value of the file', async () => {
  expect((await load(undefined, { env: { TASKMIRROR_OMIT_FIELDS: '["env"]' } })).settings.omitFields).toEqual(
    ['env'],
  );
  const file = { sync: { maxRequestsPerSecond: 5 } };
  const { settings } = await load(file, { env: { TASKMIRROR_SYNC_MAX_REQUESTS_PER_SECOND: 'null' } });
  expect(settings.sync.maxRequestsPerSecond).toBeNull();
});

test.for(['5s', '', ' 5', 'NaN', 'Infinity', '0x10', '1e2', 'null', '1,5', '-1', '86401'])(
  'retrySeconds does not take %j from the environment',
  async (text) => {
    const problems = await problemsOf(undefined, { env: { TASKMIRROR_SYNC_RETRY_SECONDS: text } });
    const value = /^-?\d+$/.test(text) ? text : JSON.stringify(text);
    expect(problems).toEqual([
      `environment variable TASKMIRROR_SYNC_RETRY_SECONDS is ${value}: expected a number from 0 to 86400`,
    ]);
  },
);

test('an unknown TASKMIRROR_ variable is an error, with the one that was probably meant', async () => {
  const env = { TASKMIRROR_SYNC_PAGESIZE: '5', TASKMIRROR_CONFG: 'x', TASKMIRROR_ZZZZZZZZZZ: '1', TASK: '1' };
  expect(await problemsOf(undefined, { env })).toEqual([
    'environment variable TASKMIRROR_CONFG is not a setting, did you mean TASKMIRROR_CONFIG?',
    'environment variable TASKMIRROR_SYNC_PAGESIZE is not a setting, did you mean TASKMIRROR_SYNC_PAGE_SIZE?',
    'environment variable TASKMIRROR_ZZZZZZZZZZ is not a setting',
  ]);
});

test('two variables for the database are refused rather than ranked', async () => {
  const env = { TASKMIRROR_DB: 'a.db', TASKMIRROR_DATABASE: 'b.db' };
  expect(await problemsOf(undefined, { env })).toEqual([
    'environment variables TASKMIRROR_DATABASE and TASKMIRROR_DB name the same setting: set only one',
  ]);
});

test('an empty path is an error in the environment and in a flag', async () => {
  const env = { TASKMIRROR_DB: '', TASKMIRROR_CONFIG: '' };
  expect(await problemsOf(undefined, { env })).toEqual([
    'environment variable TASKMIRROR_CONFIG is empty: expected the path of a settings file',
    'environment variable TASKMIRROR_DB is "": expected the path of a file, or postgres://USER@HOST:PORT/DATABASE',
  ]);
  expect(await problemsOf(undefined, { flags: { config: '', db: '' } })).toEqual([
    'flag --config is empty: expected the path of a settings file',
    'flag --db is "": expected the path of a file, or postgres://USER@HOST:PORT/DATABASE',
  ]);
});

const problem = async (variable: string) => (await problemsOf(undefined, { env: { [variable]: '1' } }))[0];

test('no name is guessed that has little more in common with what was typed than how all of them begin', async () => {
  for (const variable of ['TASKMIRROR_FOO', 'TASKMIRROR_KEY', 'TASKMIRROR_', 'TASKMIRROR_URL']) {
    expect(await problem(variable)).toBe(`environment variable ${variable} is not a setting`);
  }
  expect(await problem('TASKMIRROR_BD')).toBe('environment variable TASKMIRROR_BD is not a setting');
  expect(await problem('TASKMIRROR_DV')).toMatch(/did you mean TASKMIRROR_DB\?$/);
  expect(await problem('TASKMIRROR_LOG_LEVL')).toMatch(/did you mean TASKMIRROR_LOG_LEVEL\?$/);
});

describe('an implausible database name is an error, wherever it comes from', () => {
  const CONTROL =
    'expected a path without control characters (the line ends of a Windows script leave one at the end)';
  const SPACE = 'expected a path that does not end in a space';

  test.for<[string, string]>([
    ['x.db\r', CONTROL],
    ['x.db\n', CONTROL],
    ['a\u0000b', CONTROL],
    ['data\u001b[2J/x.db', CONTROL],
    ['x.db\u0085', CONTROL],
    ['x.db ', SPACE],
    ['x.db\u3000', SPACE],
    [' ', SPACE],
  ])('%j', async ([name, expected]) => {
    const shown = visible(JSON.stringify(name));
    const file = { database: name };
    expect(await problemsOf(undefined, { env: { TASKMIRROR_DB: name } })).toEqual([
      `environment variable TASKMIRROR_DB is ${shown}: ${expected}`,
    ]);
    expect(await problemsOf(undefined, { flags: { db: name } })).toEqual([
      `flag --db is ${shown}: ${expected}`,
    ]);
    expect(await problemsOf(file)).toEqual([
      expect.stringMatching(/^database in file .*taskmirror\.config\.json is /),
    ]);
  });

  test('and so it is for the folder of saved queries', async () => {
    expect(await problemsOf({ queriesFolder: 'sql\r' })).toEqual([expect.stringContaining(CONTROL)]);
  });

  test('spaces elsewhere, and letters of every script, are names', async () => {
    for (const db of [' x.db', 'my tasks/x y.db', '数据.db', 'naïve 👋.db']) {
      const { settings, cwd } = await load(undefined, { flags: { db } });
      expect(settings.database).toBe(join(cwd, db));
    }
  });
});
