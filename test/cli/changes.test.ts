import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/mirror.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';
import { serveTasks, teamTasks } from './api.ts';

async function followed(...flags: string[]) {
  const cwd = temporaryFolder();
  const api = await serveTasks(teamTasks(30));
  const sync = async (): Promise<void> => {
    expect((await runProgram(['sync'], { cwd, env: api.env })).code).toBe(0);
  };
  await sync();
  const follower = startProgram(['changes', '--follow', ...flags], { cwd });
  return { cwd, api, sync, follower };
}

const seqIn = async (program: Program, id: string): Promise<number> => {
  const line = await program.line(new RegExp(`"task_id":"${id}"`));
  return (JSON.parse(line) as { seq: number }).seq;
};

test('follows what another process commits, until SIGINT ends it; the next one goes on after the last seq', async () => {
  const { cwd, api, sync, follower } = await followed('--since', 'start');
  const [first] = api.list.all();
  await seqIn(follower, first?.id ?? '');
  api.list.put(completedTask('fresh', EPOCH + 1_000));
  await sync();
  const seq = await seqIn(follower, 'fresh');
  follower.kill('SIGINT');
  const { code, stderr, stdout } = await follower.ended;
  expect([code, stderr]).toEqual([130, '']);
  expect(stdout.trimEnd().split('\n')).toHaveLength(31);

  api.list.put(completedTask('later', EPOCH + 2_000));
  await sync();
  const rest = await runProgram(['changes', '--since', String(seq)], { cwd });
  expect([rest.code, rest.stderr]).toEqual([0, '']);
  expect(rest.stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(rest.stdout)).toMatchObject({ task_id: 'later', event: 'added' });
});

test('ends when its reader closes the pipe', async () => {
  const { api, sync, follower } = await followed('--since', 'start');
  await follower.line(/"seq"/);
  follower.closeStdout();
  api.list.put(completedTask('fresh', EPOCH + 1_000));
  await sync();
  const { code, stderr } = await follower.ended;
  expect([code, stderr]).toEqual([0, '']);
});
