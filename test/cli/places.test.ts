/** Where the program finds its files, and what it does where a name cannot be meant. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { VERSION } from '../../src/model/version.ts';
import { mirroredTasks, temporaryFolder } from '../support/mirror.ts';
import { MAIN, runProgram } from '../support/program.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';
import { serveTasks } from './api.ts';

const two = () => serveTasks([completedTask('a', EPOCH - 1_000), completedTask('b', EPOCH - 2_000)]);

describe('a database name with an unintended ending is exit code 2:', () => {
  test.each(['x.db\r', 'x.db '])(
    '%j, by the variable and the flag, with and without a mirror of the other name',
    async (name) => {
      const { env } = await two();
      const cwd = temporaryFolder();
      for (const existing of [[], ['x.db']]) {
        const byVariable = await runProgram(['sync'], { cwd, env: { ...env, TASKMIRROR_DB: name } });
        expect(byVariable).toMatchObject({
          code: 2,
          stdout: '',
          stderr: expect.stringContaining('TASKMIRROR_DB'),
        });
        const byFlag = await runProgram(['sync', '--db', name], { cwd, env });
        expect(byFlag).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--db') });
        expect(readdirSync(cwd)).toEqual(existing);
        if (existing.length === 0) await runProgram(['sync', '--db', 'x.db'], { cwd, env });
      }
    },
  );
});

test('taskmirror.db may be a link to a file that is not there yet: sync makes that', async () => {
  const { env, list } = await two();
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, 'data'));
  symlinkSync('data/tasks.db', join(cwd, 'taskmirror.db'));
  expect(await runProgram(['sync'], { cwd, env })).toMatchObject({ code: 0, stderr: '' });
  expect(readdirSync(join(cwd, 'data'))).toEqual(['tasks.db']);
  expect(statSync(join(cwd, 'data/tasks.db')).mode & 0o777).toBe(0o600);
  expect(mirroredTasks(join(cwd, 'data/tasks.db'))).toHaveLength(list.size);
});

/** Runs the program in a folder that is gone before it starts. */
function inGone(args: string[], env: Record<string, string>) {
  const gone = join(temporaryFolder(), 'gone');
  mkdirSync(gone);
  const script = 'cd "$1" && rmdir "$1" && shift && exec "$@"';
  const command = ['-c', script, 'sh', gone, process.execPath, MAIN, ...args];
  const { status, stdout, stderr } = spawnSync('sh', command, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: temporaryFolder(), ...env },
  });
  return { code: status, stdout, stderr };
}

describe('in a working directory that was deleted', () => {
  test('the version and the help are printed', () => {
    expect(inGone(['--version'], {})).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
    expect(inGone(['sync', '--help'], {})).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('Usage'),
    });
  });

  test('what has absolute paths works, and a relative one is exit code 2 with one sentence', async () => {
    const { env, list } = await two();
    const folder = temporaryFolder();
    const db = join(folder, 'x.db');
    // The API answers in this process: it has to be free to.
    expect((await runProgram(['sync', '--db', db], { cwd: folder, env })).code).toBe(0);
    expect(inGone(['query', '--db', db, 'select count(*) as n from tasks'], {}).stdout).toContain(
      `${list.size}`,
    );
    expect(inGone(['query', '--db', db, '--timeout', '60s', 'select 1'], {})).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(inGone(['export', '--db', db, '--output', join(folder, 'x.csv')], {}).code).toBe(0);
    expect(inGone(['snapshot', '--db', db, join(folder, 'copy.db')], {}).code).toBe(0);
    for (const args of [
      ['status'],
      ['status', '--db', 'x.db'],
      ['config', 'check', '--config', 'c.json'],
      ['export', '--db', db, '--output', 'x.csv'],
      ['query', '--db', db, '--file', 'x.sql'],
      ['demo', '--keep', 'x.db'],
    ]) {
      const { code, stdout, stderr } = inGone(args, {});
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(
        /^taskmirror: \S+ is relative to the working directory, which was deleted\n {2}Change .*\n$/,
      );
    }
  });
});

test('a settings file that names one key twice is exit code 2, with both places', async () => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'taskmirror.config.json'), '{"sources": [],\n "sources": []}');
  const { code, stdout, stderr } = await runProgram(['config', 'check'], { cwd });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('has "sources" twice: at line 1, column 2, and at line 2, column 2');
});

test('export --output - prints; a snapshot and a demo refuse that name; no file is called so', async () => {
  const { env } = await two();
  const cwd = temporaryFolder();
  await runProgram(['sync'], { cwd, env });
  expect(
    await runProgram(['export', '--output', '-', '--query', 'select id from tasks order by id'], { cwd }),
  ).toMatchObject({
    code: 0,
    stdout: 'id\na\nb\n',
    stderr: '',
  });
  for (const args of [
    ['snapshot', '-'],
    ['demo', '--keep', '-'],
  ]) {
    expect(await runProgram(args, { cwd })).toMatchObject({ code: 2, stdout: '' });
  }
  expect(readdirSync(cwd)).not.toContain('-');
});

test('if only the search index is damaged, doctor, verify and search give one cure, and it works', async () => {
  const { env } = await two();
  const cwd = temporaryFolder();
  await runProgram(['sync'], { cwd, env });
  const db = new Database(join(cwd, 'taskmirror.db'));
  db.unsafeMode();
  db.exec('delete from task_search_data');
  db.close();
  const cure = 'Run "taskmirror sync" once with TASKMIRROR_SEARCH_INDEX=false, which drops the index';
  const [doctor, verify, quick, search] = await Promise.all(
    [['doctor'], ['verify'], ['verify', '--quick', '--json'], ['search', 'task']].map((args) =>
      runProgram(args, { cwd, env }),
    ),
  );
  expect([doctor?.code, verify?.code, quick?.code, search?.code]).toEqual([6, 6, 6, 10]);
  expect(doctor?.stdout).toContain(cure);
  expect(verify?.stdout).toContain(cure);
  expect(JSON.parse(quick?.stdout ?? '')).toMatchObject({ ok: false, cure: expect.stringContaining(cure) });
  expect(search?.stderr).toContain(cure);
  expect(`${doctor?.stdout}${verify?.stdout}`).not.toMatch(/move the file|sync --full/i);
  await runProgram(['sync'], { cwd, env: { ...env, TASKMIRROR_SEARCH_INDEX: 'false' } });
  await runProgram(['sync'], { cwd, env });
  expect((await runProgram(['verify'], { cwd, env })).code).toBe(0);
  expect((await runProgram(['search', 'task'], { cwd })).stdout).toContain('[Task]');
});
