import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRows, temporaryFolder } from '../support/mirror.ts';
import { type Program, type ProgramOptions, startProgram } from '../support/program.ts';
import { expectTour } from './demo.ts';

test('shows sync, status, two queries, a report, a second sync that is followed, and the next steps; leaves no process and no file behind', async () => {
  const { cwd, env, temporary } = folders();
  const program = startProgram(['demo', '--tasks', '2000'], { cwd, env });
  const url = await addressOf(program);
  expectTour(await program.ended);

  await expect(fetch(url)).rejects.toThrow('fetch failed');
  expect(readdirSync(temporary)).toEqual([]);
  expect(readdirSync(cwd)).toEqual([]);
});

test('reads no settings of the folder, which lead to a real API', async () => {
  const { cwd, env } = folders();
  const settings = { sources: [{ name: 'real', apiKey: { env: 'REAL_KEY' } }], schedule: 'wrong' };
  writeFileSync(join(cwd, 'taskmirror.config.json'), JSON.stringify(settings));
  expectTour(await startProgram(['demo', '--tasks', '1000'], { cwd, env }).ended);
  expect(readdirSync(cwd)).toEqual(['taskmirror.config.json']);
});

test('--keep keeps the mirror, says where, and refuses a file that is there already', async () => {
  const { cwd, env, temporary } = folders();
  const args = ['demo', '--tasks', '2000', '--keep', 'kept.db'];
  const { code, stdout } = await startProgram(args, { cwd, env }).ended;
  expect([code, stdout]).toEqual([
    0,
    expect.stringContaining(`The mirror is kept in ${join(cwd, 'kept.db')}.`),
  ]);
  expect(readdirSync(temporary)).toEqual([]);
  const [row] = readRows<{ tasks: number }>(join(cwd, 'kept.db'), 'select count(*) as tasks from tasks');
  expect(row?.tasks).toBeGreaterThan(2_000);

  const again = await startProgram(args, { cwd, env }).ended;
  expect(again.code).toBe(2);
  expect(again.stderr).toContain('kept.db');
});

test('SIGINT in the middle: exit code 130, and nothing is left behind either', async () => {
  const { cwd, env, temporary } = folders();
  const program = startProgram(['demo', '--tasks', '20000'], { cwd, env });
  const url = await addressOf(program);
  expect(readdirSync(temporary)).toHaveLength(1);
  program.kill('SIGINT');
  expect((await program.ended).code).toBe(130);
  await expect(fetch(url)).rejects.toThrow('fetch failed');
  expect(readdirSync(temporary)).toEqual([]);
});

/** An empty working directory, and a folder for temporary files beside it. */
function folders(): Pick<ProgramOptions, 'cwd'> & { env: { TMPDIR: string }; temporary: string } {
  const folder = temporaryFolder();
  const cwd = join(folder, 'work');
  const temporary = join(folder, 'tmp');
  mkdirSync(cwd);
  mkdirSync(temporary);
  return { cwd, env: { TMPDIR: temporary }, temporary };
}

/** Where the simulated API serves, once it does. */
async function addressOf(program: Program): Promise<string> {
  const line = await program.line(/^It serves at /);
  return /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? '';
}
