import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/mirror.ts';
import { runProgram } from '../support/program.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';
import { KEY, serveTasks, type TestApi } from './api.ts';
import { filesIn } from './files.ts';

describe('query', () => {
  test('refuses SQL that writes with exit code 2, and changes no byte of the database', async () => {
    const { cwd } = await mirrorOfTwo();
    const before = filesIn(cwd)['taskmirror.db'];
    const hostile = [
      "update tasks set status = 'x' returning id",
      'pragma user_version = 7',
      "attach database 'other.db' as other",
      "vacuum into 'copy.db'",
      'select 1; delete from tasks',
    ];
    const runs = await Promise.all(hostile.map((sql) => runProgram(['query', sql], { cwd })));
    for (const { code, stdout, stderr } of runs) {
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^taskmirror: /);
    }
    expect(filesIn(cwd)['taskmirror.db'] === before).toBe(true);
    expect(Object.keys(filesIn(cwd)).filter((name) => !name.startsWith('taskmirror.db'))).toEqual([]);
  });

  test('prints csv, jsonl, json and tables', async () => {
    const { cwd } = await mirrorOfTwo();
    const sql = 'select id, message, error, message_count from tasks order by id';
    const [csv, jsonl, json, short, table] = await Promise.all(
      [
        ['--format', 'csv'],
        ['--format', 'jsonl'],
        ['--format', 'json'],
        ['--json'],
        ['--format', 'table'],
      ].map(async (flags) => {
        const { code, stdout, stderr } = await runProgram(['query', ...flags, sql], { cwd });
        expect([code, stderr]).toEqual([0, '']);
        return stdout;
      }),
    );
    const rows = [
      { id: 'a', message: 'Add "1, 2"\nand 漢字', error: null, message_count: 2 },
      { id: 'b', message: 'Task b', error: 'no luck', message_count: 2 },
    ];
    expect(csv).toBe('id,message,error,message_count\na,"Add ""1, 2""\nand 漢字",,2\nb,Task b,no luck,2\n');
    expect(jsonl).toBe(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    expect(JSON.parse(json ?? '')).toEqual(rows);
    expect(short).toBe(json);
    expect(table).toMatch(/id +message +error +message_count/);
    expect(table).toMatch(/b +Task b +no luck +2/);
  });

  test('an unknown format is exit code 2, a database that is not there 10, and none is made', async () => {
    const cwd = temporaryFolder();
    const [format, missing, status] = await Promise.all([
      runProgram(['query', '--format', 'xml', 'select 1'], { cwd }),
      runProgram(['query', '--db', 'none.db', 'select 1'], { cwd }),
      runProgram(['status', '--db', 'none.db'], { cwd }),
    ]);
    expect([format.code, missing.code, status.code]).toEqual([2, 10, 10]);
    expect(format.stderr).toContain('jsonl');
    for (const { stderr } of [missing, status]) {
      expect(stderr).toContain(join(cwd, 'none.db'));
      expect(stderr).toContain('taskmirror sync');
    }
    expect(filesIn(cwd)).toEqual({});
  });
});

describe('search and history', () => {
  test('find tasks after the first sync; an invalid command is exit code 2', async () => {
    const { cwd } = await mirrorOfTwo();
    const [found, raw, bad, none, one, unknown] = await Promise.all(
      [
        ['search', '漢字', '"and'],
        ['search', '--raw', '--json', 'error: luc*'],
        ['search', '--raw', '"'],
        ['search', '--since', 'whenever', 'a'],
        ['history', '--json', 'b'],
        ['history', 'nobody'],
      ].map((args) => runProgram(args, { cwd })),
    );
    expect([found?.code, found?.stderr]).toEqual([0, '']);
    expect(found?.stdout).toMatch(/^a {2}completed .*\n {2}Add "1, 2" \[and\] \[漢字\]\n$/);
    expect(JSON.parse(raw?.stdout ?? '')).toMatchObject([{ id: 'b', snippet: 'no [luck]' }]);
    expect(JSON.parse(one?.stdout ?? '')).toMatchObject({
      task: { id: 'b' },
      events: [{ event: 'first seen' }],
    });
    for (const refused of [bad, none, unknown]) {
      expect([refused?.code, refused?.stdout]).toEqual([2, '']);
      expect(refused?.stderr).toMatch(/^taskmirror: .+\n {2}\S/);
    }
  });

  test('without an index there is no search: the next run drops it, and the one after that can make it anew', async () => {
    const { cwd, env } = await mirrorOfTwo();
    await runProgram(['sync'], { cwd, env: { ...env, TASKMIRROR_SEARCH_INDEX: 'false' } });
    const without = await runProgram(['search', 'luck'], { cwd });
    expect([without.code, without.stdout]).toEqual([2, '']);
    expect(without.stderr).toContain('no search index');
    await runProgram(['sync'], { cwd, env });
    expect((await runProgram(['search', 'luck'], { cwd })).stdout).toContain('no [luck]');
  });
});

describe('doctor', () => {
  test('finds nothing wrong, or exits with 6 and names the key that is refused, never the key', async () => {
    const { cwd, env } = await mirrorOfTwo(Date.now);
    const [good, bad] = await Promise.all([
      runProgram(['doctor'], { cwd, env }),
      runProgram(['doctor', '--json'], { cwd, env: { ...env, SIGMIC_API_KEY: 'sigmic_wrong_1b4d' } }),
    ]);
    expect([good.code, good.stderr]).toEqual([0, '']);
    expect(good.stdout).not.toContain('FAIL');
    expect(bad.code).toBe(6);
    expect(JSON.parse(bad.stdout)).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([
        expect.objectContaining({
          check: 'API default',
          status: 'fail',
          detail: expect.stringContaining('SIGMIC_API_KEY'),
          hint: expect.any(String),
        }),
      ]),
    });
    expect(good.stdout).not.toContain(KEY);
    expect(bad.stdout + bad.stderr).not.toContain('sigmic_wrong_1b4d');
  });
});

/** A mirror of two tasks, made by the program. */
async function mirrorOfTwo(now?: () => number): Promise<{ cwd: string; env: TestApi['env'] }> {
  const tasks = [
    completedTask('a', EPOCH - 1_000, { message: 'Add "1, 2"\nand 漢字' }),
    completedTask('b', EPOCH - 2_000, { status: 'failed', error: 'no luck' }),
  ];
  const { env } = await serveTasks(tasks, now === undefined ? {} : { now });
  const cwd = temporaryFolder();
  expect((await runProgram(['sync'], { cwd, env })).code).toBe(0);
  return { cwd, env };
}
