import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { readRows, temporaryFolder } from '../support/mirror.ts';
import { runProgram } from '../support/program.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { serveTasks } from './api.ts';
import { filesWith } from './files.ts';

test('omitFields that grows: doctor says what is left, the next run clears every byte of it, and all else stays', async () => {
  const secret = 'a-secret-that-must-go';
  const tasks = tasksApart(400, 60_000).map((task) => ({
    ...task,
    message: `${secret} ${task.id}`.repeat(40),
  }));
  const api = await serveTasks(tasks);
  const cwd = temporaryFolder();
  const run = (command: string, env: Record<string, string> = {}) =>
    runProgram([command], { cwd, env: { ...api.env, ...env } });
  const file = join(cwd, 'taskmirror.db');
  await run('sync');
  api.list.put(completedTask('t000000', EPOCH, { message: `${secret} changed`, messageCount: 9 }));
  await run('sync');
  const kept = 'select id, first_seen_at, message_count from tasks order by id';
  const before = readRows(file, kept);

  const grown = { TASKMIRROR_OMIT_FIELDS: 'message' };
  const told = await run('doctor', grown);
  expect(told.code).toBe(6);
  expect(told.stdout).toContain('message in 400 tasks, 1 change, the free space of the file');
  expect(filesWith(cwd, secret)).toContain('taskmirror.db');

  expect(await run('sync', grown)).toMatchObject({ code: 0, stderr: '' });
  expect(filesWith(cwd, secret)).toEqual([]);
  expect(readRows(file, kept)).toEqual(before);
  expect(readRows(file, 'select field, old_value, new_value from task_changes')).toEqual([
    { field: 'message_count', old_value: '2', new_value: '9' },
  ]);
  const fine = await run('doctor', grown);
  expect(fine.stdout).toMatch(/ok +omitted fields +no values are stored of message/);
});

const source = (name: string, baseUrl: string) => ({ name, baseUrl, apiKey: { env: 'SIGMIC_API_KEY' } });

test('two keys that show the same tasks: status says who holds them', async () => {
  const tasks = tasksApart(300, 60_000);
  const team = await serveTasks(tasks);
  const bots = await serveTasks([...tasks.slice(10), completedTask('bot', EPOCH - 1)]);
  const cwd = temporaryFolder();
  const sync = (...sources: object[]) =>
    runProgram(['sync'], { cwd, env: { ...team.env, TASKMIRROR_SOURCES: JSON.stringify(sources) } });
  await sync(source('team', team.url));
  await sync(source('bots', bots.url));
  const { stdout } = await runProgram(['status'], { cwd });
  expect(stdout).toContain(
    '  live rows         1 (the API counts 291)\n                    290 of them are held by source team\n',
  );
});

test('retention: an old change and a task that was removed long ago go after the run, and status says so', async () => {
  const api = await serveTasks(tasksApart(30, 60_000));
  const cwd = temporaryFolder();
  const run = (args: string[], env: Record<string, string> = {}) =>
    runProgram(args, { cwd, env: { ...api.env, ...env } });
  await run(['sync']);
  api.list.remove('t000007');
  api.list.put(completedTask('t000003', EPOCH, { messageCount: 9 }));
  await run(['sync', '--full']);
  const file = join(cwd, 'taskmirror.db');
  const counts = (): unknown =>
    readRows(
      file,
      'select (select count(*) from tasks) as tasks, (select count(*) from task_changes) as changes',
    );
  const retention = { TASKMIRROR_RETENTION_CHANGES_DAYS: '30', TASKMIRROR_RETENTION_REMOVED_DAYS: '30' };
  await run(['sync'], retention);
  // A day is the least that can be kept: what is there has to become older.
  expect(counts()).toMatchObject([{ tasks: 30 }]);
  age(file, 40);
  await run(['sync'], retention);
  expect(counts()).toEqual([{ tasks: 29, changes: 0 }]);
  const { stdout } = await run(['status'], retention);
  expect(stdout).toMatch(/Retention\n {2}changes +kept for 30 days; pruned through 20/);
});

/** Makes the journal and the removals older, by days. */
function age(file: string, days: number): void {
  const db = new Database(file);
  for (const [table, column] of [
    ['task_changes', 'observed_at'],
    ['tasks', 'removed_at'],
  ]) {
    db.exec(`update ${table} set ${column} = strftime('%Y-%m-%dT%H:%M:%fZ', ${column}, '-${days} days')`);
  }
  db.close();
}
