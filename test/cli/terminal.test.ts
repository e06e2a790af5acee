/**
 * Text from outside, on its way to a terminal: from the API, from the mirror, from whoever called. Each command line is run
 * twice, once with pipes and once with what it takes for a terminal.
 */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ApiTask } from '../../src/source/simulated/list.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { type Ended, MAIN, runProgram } from '../support/program.ts';
import { completedTask, EPOCH, runningTask } from '../support/tasks.ts';
import { serveTasks, type TestApi } from './api.ts';

const SCREEN = join(import.meta.dirname, 'screen.ts');
/** Colours, a title, an 8-bit sequence, text turned around, and a line that looks like the program's own. */
const HOSTILE = '\u001b[31m\u001b[2J\u001b]0;t\u0007\u009b2J\u202e\ntaskmirror: all is well';
const HARMFUL = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u2028\u2029]/u;

let api: TestApi;
let cwd: string;

const hostile = (id: string, fields: Partial<ApiTask> = {}): ApiTask =>
  completedTask(`${id}${HOSTILE}`, EPOCH - id.charCodeAt(0) * 1_000, {
    message: `message ${HOSTILE}`,
    username: `user ${HOSTILE}`,
    error: `error ${HOSTILE}`,
    status: 'failed',
    ...fields,
  });

/** What the program prints to pipes, and to a terminal without its own styles. */
async function printed(args: string[], env: Record<string, string> = {}): Promise<[Ended, Ended]> {
  const options = { cwd, env: { ...api.env, NO_COLOR: '1', ...env } };
  return Promise.all([
    runProgram(args, options),
    runProgram(args, { ...options, node: ['--import', SCREEN, MAIN] }),
  ]);
}

function expectHarmless(...runs: Ended[]): void {
  for (const { stdout, stderr } of runs) {
    // What takes the line of progress away is the program's own.
    expect(stdout + stderr.replaceAll('\r\u001b[K', '')).not.toMatch(HARMFUL);
  }
}

beforeEach(async () => {
  cwd = temporaryFolder();
  api = await serveTasks([hostile('a'), hostile('b'), runningTask(`c${HOSTILE}`, EPOCH - 500)]);
});

describe('ids of the API', () => {
  test('in what sync --dry-run would insert', async () => {
    const runs = await printed(['sync', '--dry-run']);
    expectHarmless(...runs);
    for (const { code, stdout } of runs) {
      expect(code).toBe(0);
      expect(stdout).toContain(String.raw`    a\u001b[31m\u001b[2J`);
      expect(stdout).not.toMatch(/^taskmirror: all is well/m);
    }
  });

  test('in the changes and removals of sync --full --dry-run, and in the findings of verify', async () => {
    await runProgram(['sync'], { cwd, env: api.env });
    api.list.remove(`a${HOSTILE}`);
    api.list.put(hostile('b', { message: 'edited' }));
    api.list.put(hostile('d'));
    for (const args of [['sync', '--full', '--dry-run'], ['verify']]) {
      const runs = await printed(args);
      expectHarmless(...runs);
      for (const { stdout } of runs) {
        expect(stdout).toMatch(/^ {4}a\\u001b/m);
        expect(stdout).toMatch(/^ {4}b\\u001b/m);
        expect(stdout).not.toMatch(/^taskmirror: all is well/m);
      }
    }
    const [{ stdout }] = await printed(['verify', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ sources: [{ extra: { first: [{ id: `a${HOSTILE}` }] } }] });
  });
});

describe('text of the mirror', () => {
  beforeEach(() => runProgram(['sync'], { cwd, env: api.env }));

  test.each([
    ["select json_extract('{}', message) from tasks", /bad JSON path: '(?:message|Task c) ?\\u001b\[31m/],
    ['select json(message) from tasks', /malformed JSON/],
    ["select * from tasks where id match 'x'", /SQLite cannot run this SQL/],
  ])('in what SQLite says of %s', async (sql, said) => {
    const runs = await printed(['query', sql]);
    expectHarmless(...runs);
    for (const { code, stderr } of runs) {
      expect(code).toBe(2);
      expect(stderr.replaceAll('\n', ' ')).toMatch(said);
      expect(stderr).not.toMatch(/^taskmirror: all is well/m);
    }
  });

  test.each(['status', 'report overview', 'report users', 'report errors', 'report open', 'search message'])(
    'in %s',
    async (command) => {
      const runs = await printed(command.split(' '));
      expectHarmless(...runs);
      for (const { code } of runs) expect(code).toBe(0);
    },
  );

  test('in rows: a terminal never gets it raw; a pipe gets the exact value, or a table of escapes', async () => {
    const sql = "select message from tasks where message like 'message%' limit 1";
    const value = `message ${HOSTILE}`;
    const query = (format: string) => printed(['query', '--format', format, sql]);
    expectHarmless(...(await query('table')));
    const [csv, shownCsv] = await query('csv');
    expect(csv.stdout).toBe(`message\n"${value}"\n`);
    expectHarmless(shownCsv);
    for (const format of ['json', 'jsonl']) {
      const runs = await query(format);
      for (const { stdout } of runs) expect([JSON.parse(stdout)].flat()).toEqual([{ message: value }]);
      expectHarmless(runs[1]);
    }
    const [piped, shown] = await printed(['export', '--output', '-']);
    expectHarmless(shown);
    expect(piped.stdout).toContain(value);
    for (const format of ['csv', 'jsonl', 'markdown']) {
      expectHarmless((await printed(['report', 'users', '--format', format]))[1]);
    }
  });
});

describe('what the caller gave', () => {
  const GIVEN: Record<string, string[]> = {
    'a command': [HOSTILE],
    'a flag': ['sync', `--${HOSTILE}`],
    'a choice': ['query', '--format', HOSTILE, 'select 1'],
    'too many arguments': ['status', HOSTILE],
    'a report': ['report', HOSTILE],
    'a time zone': ['report', 'daily', '--timezone', HOSTILE],
    'a limit': ['report', 'daily', '--limit', HOSTILE],
    'a moment': ['report', 'daily', '--since', HOSTILE],
    'an age': ['status', '--max-age', HOSTILE],
    'a parameter': ['query', '--param', HOSTILE, 'select 1'],
    'a parameter that is not there': ['query', '--param', `x=${HOSTILE}`, `select :y`],
    SQL: ['query', `select ${HOSTILE}`],
    'a column': ['query', `select "${HOSTILE}" from tasks`],
    'a saved query': ['query', `@${HOSTILE}`],
    'a file of SQL': ['query', '--file', HOSTILE],
    'a table': ['export', HOSTILE],
    'a file to make': ['export', '--output', HOSTILE],
    'a copy to make': ['snapshot', HOSTILE],
    words: ['search', '--raw', `"${HOSTILE}`],
    'a task': ['history', HOSTILE],
    'a database': ['status', '--db', HOSTILE],
    'a settings file': ['status', '--config', HOSTILE],
    'a mirror to keep': ['demo', '--keep', HOSTILE],
    'a number': ['demo', '--tasks', HOSTILE],
    'a shell': ['completion', HOSTILE],
  };

  test('is repeated in escapes, whatever it was given for', async () => {
    await runProgram(['sync'], { cwd, env: api.env });
    for (const [what, args] of Object.entries(GIVEN)) {
      const { code, stdout, stderr } = await runProgram(args, { cwd, env: api.env });
      const seen = { raw: HARMFUL.test(stderr), forged: /^taskmirror: all is well/m.test(stderr) };
      expect({ what, code, stdout, ...seen }).toEqual({
        what,
        code: 2,
        stdout: '',
        raw: false,
        forged: false,
      });
      expect(stderr).toMatch(/^taskmirror: /);
    }
  });

  test('in a variable, a base URL and the log', async () => {
    for (const env of [
      { [`TASKMIRROR_${HOSTILE}`]: '1' },
      { TASKMIRROR_SCHEDULE: HOSTILE },
      { TASKMIRROR_SOURCES: `[{"${HOSTILE}": 1}]` },
      { SIGMIC_BASE_URL: `https://${HOSTILE}` },
    ]) {
      const runs = await printed(['sync'], env);
      expectHarmless(...runs);
      for (const { code } of runs) expect(code).toBe(2);
    }
    api.list.put(hostile('e', { messageCount: -1 }));
    for (const format of ['pretty', 'json']) {
      const runs = await printed(['sync'], { TASKMIRROR_LOG_LEVEL: 'trace', TASKMIRROR_LOG_FORMAT: format });
      expectHarmless(...runs);
    }
  });
});

test('errors and advice are broken at spaces to fit a terminal, and stay on their lines in a pipe', async () => {
  await runProgram(['sync'], { cwd, env: api.env });
  const [piped, shown] = await printed(['search', '--raw', '"']);
  expect(piped.stderr.split('\n')).toHaveLength(3);
  expect(shown.stderr.split('\n').every((line) => line.length <= 80)).toBe(true);
  expect(shown.stderr.split(/\s+/)).toEqual(piped.stderr.split(/\s+/));
});
