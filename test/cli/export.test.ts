import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/mirror.ts';
import { MAIN, runProgram, startProgram } from '../support/program.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';
import { serveTasks } from './api.ts';

/** A folder with a mirror of two tasks, made by the program. */
async function mirrorOfTwo(): Promise<string> {
  const { env } = await serveTasks([completedTask('a', EPOCH - 1_000), completedTask('b', EPOCH - 2_000)]);
  const cwd = temporaryFolder();
  expect((await runProgram(['sync'], { cwd, env })).code).toBe(0);
  return cwd;
}

/** Resolves when a file of this name is made in `folder`. */
async function firstFile(folder: string, name: RegExp): Promise<void> {
  for await (const { filename } of watch(folder)) if (name.test(filename ?? '')) return;
}

const ENDLESS =
  'with recursive n (i) as (values (1) union all select i + 1 from n) select i, hex(zeroblob(50)) from n';

describe('export', () => {
  test('prints, or makes a file; wrong use is exit code 2 and makes none', async () => {
    const cwd = await mirrorOfTwo();
    const sql = 'select id from tasks order by id';
    const [printed, made, hostile] = await Promise.all(
      [
        ['export', '--query', sql],
        ['export', '--output', 'tasks.parquet'],
        ['export', '--output', 'x.csv', '--query', 'delete from tasks returning id'],
      ].map((args) => runProgram(args, { cwd })),
    );
    expect(printed).toMatchObject({ code: 0, stdout: 'id\na\nb\n', stderr: '' });
    expect(made).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/tasks\.parquet: 2 rows, /),
      stderr: '',
    });
    expect(readFileSync(join(cwd, 'tasks.parquet'), 'latin1')).toMatch(/^PAR1.*PAR1$/s);
    expect(hostile).toMatchObject({ code: 2, stdout: '' });
    expect(readdirSync(cwd)).not.toContain('x.csv');
    expect(readdirSync(cwd).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('interrupted while it writes a file, it takes away what it wrote and exits with 130', async () => {
    const cwd = await mirrorOfTwo();
    const made = firstFile(cwd, /^n\.csv\.\w+\.part$/);
    const program = startProgram(['export', '--output', 'n.csv', '--query', ENDLESS], { cwd });
    await made;
    program.kill('SIGINT');
    expect(await program.ended).toMatchObject({ code: 130, stdout: '' });
    expect(readdirSync(cwd).filter((name) => name.startsWith('n.csv'))).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')('to a full disk is exit code 10, with a sentence', async () => {
    const cwd = await mirrorOfTwo();
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [MAIN, 'export'], {
      cwd,
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(status).toBe(10);
    expect(stderr).toMatch(/^taskmirror: the output cannot be written: ENOSPC.*\n {2}Check .*\n$/);
  });
});

describe('snapshot', () => {
  test('makes a copy that answers like the mirror; a name that is taken is exit code 2', async () => {
    const cwd = await mirrorOfTwo();
    const made = await runProgram(['snapshot', 'copy.db'], { cwd });
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('2 live rows'), stderr: '' });
    const [again, status] = await Promise.all([
      runProgram(['snapshot', 'copy.db'], { cwd }),
      runProgram(['status', '--db', 'copy.db', '--json'], { cwd }),
    ]);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(JSON.parse(status.stdout)).toMatchObject({ sources: [{ liveRows: 2 }] });
    expect(readdirSync(cwd).filter((name) => name.startsWith('copy.db'))).toEqual(['copy.db']);
  });
});
