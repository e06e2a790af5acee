import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { filesIn } from './files.ts';

/** Gives its first row, of 70,000 characters, at once, and then computes for ever. */
const ENDLESS = `select printf('%070000d', 7) as n
  union all select count(*) from (with recursive c(n) as (select 1 union all select n + 1 from c) select n from c)`;

const ENDLESS_ROWS = 'with recursive c(n) as (select 1 union all select n + 1 from c) select n from c';

/** A folder with an empty mirror, and saved queries. */
async function mirror(saved: Record<string, string> = {}): Promise<string> {
  const cwd = temporaryFolder();
  (await openDatabase(join(cwd, 'taskmirror.db'), { create: true })).close();
  mkdirSync(join(cwd, 'queries'));
  for (const [name, sql] of Object.entries(saved)) writeFileSync(join(cwd, 'queries', name), sql);
  return cwd;
}

test('the same statement runs from an argument, a file, stdin, and by its name, with its parameters', async () => {
  const sql = '-- Doubles a number\nselect :n * 2 as twice, :text as text, count(*) as tasks from tasks';
  const cwd = await mirror({ 'twice.sql': sql });
  const flags = ['--format=jsonl', '--param', 'n=21', '--param', 'text=21th'];
  const runs = await Promise.all([
    runProgram(['query', ...flags, '--', sql], { cwd }),
    runProgram(['query', ...flags, '--file', join('queries', 'twice.sql')], { cwd }),
    runProgram(['query', ...flags, '-'], { cwd, input: sql }),
    runProgram(['query', ...flags], { cwd, input: sql }),
    runProgram(['query', ...flags, '@twice'], { cwd }),
    runProgram(['query', ...flags, '--timeout', '20s', '@twice'], { cwd }),
  ]);
  const expected = { code: 0, stdout: '{"twice":42,"text":"21th","tasks":0}\n', stderr: '' };
  for (const run of runs) expect(run).toMatchObject(expected);
  expect(await runProgram(['query', '@', '--format', 'csv'], { cwd })).toMatchObject({
    code: 0,
    stdout: 'name,description\ntwice,Doubles a number\n',
    stderr: '',
  });
});

test('SQL that writes is refused from every origin, and no byte changes', async () => {
  const hostile = [
    'delete from tasks',
    "insert into tasks (id) values ('x') returning id",
    "with x as (select 1) update tasks set status = 'x' returning id",
    "attach database 'other.db' as other",
    "vacuum into 'copy.db'",
    'select 1; delete from tasks',
  ];
  const cwd = await mirror(Object.fromEntries(hostile.map((sql, nth) => [`q${nth}.sql`, sql])));
  const before = filesIn(cwd);
  // Each way in gets a third of them; that every one is refused, test/sqlite holds.
  const runs = await Promise.all(
    hostile.map((sql, nth) => {
      if (nth % 3 === 0) return runProgram(['query', `@q${nth}`], { cwd });
      if (nth % 3 === 1) return runProgram(['query'], { cwd, input: sql });
      return runProgram(['query', '--timeout', '20s', '--file', `queries/q${nth}.sql`], { cwd });
    }),
  );
  for (const [nth, run] of runs.entries()) {
    expect([hostile[nth], run.code, run.stdout]).toEqual([hostile[nth], 2, '']);
    expect(run.stderr).toMatch(/^taskmirror: /);
  }
  const after = filesIn(cwd);
  for (const name of Object.keys(before)) expect(after[name] === before[name]).toBe(true);
  const made = Object.keys(after).filter((name) => !(name in before));
  expect(made.filter((name) => !/^taskmirror\.db-(?:wal|shm)$/.test(name))).toEqual([]);
});

test('an invalid command is exit code 2 with advice', async () => {
  const cwd = await mirror({ 'known.sql': 'select 1' });
  const wrong: [string[], RegExp][] = [
    [['@unknown'], /known/],
    [[], /empty/],
    [['select :a', '--param', 'b=1'], /"a" has no value.*no "b"/],
    [['select 1', '--file', 'queries/known.sql'], /two statements/],
    [['select 1', '--escape-formulas'], /--format csv/],
  ];
  const runs = await Promise.all(wrong.map(([args]) => runProgram(['query', ...args], { cwd })));
  for (const [nth, { code, stdout, stderr }] of runs.entries()) {
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(wrong[nth]?.[1] ?? /never/);
  }
});

test('--max-rows prints no more, and says on stderr, not among the rows, that there was more', async () => {
  const cwd = await mirror();
  const values = "select value from json_each('[1,2,3,4,5]')";
  const [some, all] = await Promise.all(
    ['3', '5'].map((max) => runProgram(['query', '--format', 'jsonl', '--max-rows', max, values], { cwd })),
  );
  expect(some).toMatchObject({ code: 0, stdout: '{"value":1}\n{"value":2}\n{"value":3}\n' });
  expect(some?.stderr).toMatch(/more rows.*only 3 rows/);
  expect(all).toMatchObject({ code: 0, stderr: '' });
  expect(all?.stdout.split('\n')).toHaveLength(6);
});

describe('--timeout', () => {
  test('stops an endless query and reports that; printed rows stay', async () => {
    const cwd = await mirror();
    const { code, stderr } = await runProgram(['query', '--timeout', '1s', '--format', 'csv', ENDLESS], {
      cwd,
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^taskmirror: the query was stopped: it took longer than 1 s\n/);
  });

  test('a signal to the program ends both processes', async () => {
    const cwd = await mirror();
    const program = startProgram(['query', '--timeout', '1h', '--format', 'csv', ENDLESS], { cwd });
    await program.line(/^0+7$/);
    program.kill('SIGTERM');
    // Resolves only when nobody holds the pipes any more.
    expect(await program.ended).toMatchObject({ code: 130, signal: null });
  });

  test('ends quietly if the reader closes the pipe', async () => {
    const cwd = await mirror();
    const program = startProgram(['query', '--timeout', '1h', '--format', 'csv', ENDLESS_ROWS], { cwd });
    await program.line(/^1$/);
    program.closeStdout();
    expect(await program.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('passes on what the query says of the database, and how it ended', async () => {
    const cwd = temporaryFolder();
    const run = await runProgram(['query', '--timeout', '20s', '--db', 'none.db', 'select 1'], { cwd });
    expect(run).toMatchObject({ code: 10, stdout: '' });
    expect(run.stderr).toContain(join(cwd, 'none.db'));
    expect(run.stderr.split('taskmirror:')).toHaveLength(2);
  });
});
