import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/mirror.ts';
import { runProgram } from '../support/program.ts';
import { tasksApart } from '../support/tasks.ts';
import { serveTasks } from './api.ts';

/** A mirror of the source `default`, and settings that call it `team`. */
async function renamed() {
  const api = await serveTasks(tasksApart(25, 1_000));
  const cwd = temporaryFolder();
  const run = (...args: string[]) => runProgram(args, { cwd, env: api.env });
  expect((await run('sync')).code).toBe(0);
  const source = { name: 'team', baseUrl: api.env.SIGMIC_BASE_URL, apiKey: { env: 'SIGMIC_API_KEY' } };
  writeFileSync(join(cwd, 'taskmirror.config.json'), JSON.stringify({ sources: [source] }));
  return run;
}

describe('a source that got another name in the settings', () => {
  test('is renamed in the mirror, and goes on where it was', async () => {
    const run = await renamed();
    expect((await run('doctor')).stdout).toContain('taskmirror source rename default team');
    expect(await run('source', 'rename', 'default', 'team')).toEqual({
      code: 0,
      signal: null,
      stdout: 'source "default" of the mirror is now "team"\n',
      stderr: '',
    });
    expect((await run('sync')).stdout).toMatch(/^team: up to date: 0 new, 0 changed \(1 request,/);
    const { sources } = JSON.parse((await run('source', 'list', '--json')).stdout) as { sources: object[] };
    expect(sources).toMatchObject([{ source: 'team', inSettings: true, liveRows: 25 }]);
    expect((await run('verify')).code).toBe(0);
  });

  test('that was mirrored again under it gets the tasks of the old one, which is forgotten', async () => {
    const run = await renamed();
    expect((await run('sync')).code).toBe(0);
    expect((await run('doctor')).stdout).toContain('taskmirror source forget default --yes');
    expect(await run('source', 'forget', 'default')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('still holds 25 live tasks; nothing was changed'),
    });
    expect((await run('source', 'forget', 'default', '--yes')).stdout).toBe(
      'source "default" is forgotten: 25 tasks handed over, 0 tasks marked as removed\n',
    );
    const { sources } = JSON.parse((await run('source', 'list', '--json')).stdout) as { sources: object[] };
    expect(sources).toMatchObject([{ source: 'team', liveRows: 25, sharedRows: 0, removedRows: 0 }]);
    expect((await run('verify')).code).toBe(0);
  });
});
