import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { SyncOutcome } from '../../src/cli/commands/sync.ts';
import type { ApiTask } from '../../src/source/simulated/list.ts';
import { inMirrorOrder, mirroredTasks, readRows, temporaryFolder } from '../support/mirror.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';
import { holdList, serveTasks, teamTasks } from './api.ts';
import { filesWith } from './files.ts';

test('with only a key in the environment: an exact copy of 3,000 tasks in ./taskmirror.db; another run costs one request', async () => {
  const completed = teamTasks(3_600).filter(({ status }) => status === 'completed');
  const api = await serveTasks(completed.slice(0, 3_000));
  expect(api.list.size).toBe(3_000);
  const cwd = temporaryFolder();

  expect(await runProgram(['sync'], { cwd, env: api.env })).toMatchObject({ code: 0, stderr: '' });
  expect(mirroredTasks(join(cwd, 'taskmirror.db'))).toEqual(inMirrorOrder(api.list.all()));

  const before = api.stats.list;
  expect(await runProgram(['sync'], { cwd, env: api.env })).toMatchObject({ code: 0, stderr: '' });
  expect(api.stats.list - before).toBe(1);
  expect(api.stats.get).toBe(0);
  expect(mirroredTasks(join(cwd, 'taskmirror.db'))).toEqual(inMirrorOrder(api.list.all()));
});

test('activity, and the silent status change of an open task deep in the list, are picked up by the next run', async () => {
  const api = await serveTasks(teamTasks(3_000));
  const cwd = temporaryFolder();
  await runProgram(['sync'], { cwd, env: api.env });

  const old = api.list.all().findLast(({ status }) => status === 'running');
  const finished = api.list.all().find(({ status }) => status === 'running');
  if (old === undefined || finished === undefined) throw new Error('the list has no open tasks');
  expect(api.list.all().indexOf(old)).toBeGreaterThan(200);
  const end = new Date(EPOCH + 2_000).toISOString();
  api.list.put({ ...old, status: 'awaiting_approval' });
  api.list.put({ ...finished, status: 'completed', completedAt: end, lastActivityAt: end });
  api.list.put(completedTask('fresh', EPOCH + 1_000));

  const { code, stdout } = await runProgram(['sync', '--json'], { cwd, env: api.env });
  expect(code).toBe(0);
  expect(outcomeOf(stdout).sources[0]).toMatchObject({ kind: 'incremental', inserted: 1, updated: 2 });
  expect(mirroredTasks(join(cwd, 'taskmirror.db'))).toEqual(inMirrorOrder(api.list.all()));
});

test('rows vanish above the reading position between two pages: none of the others is lost, and the verdict says repaired', async () => {
  const api = await serveTasks(teamTasks(1_200));
  const gone = api.list.all().slice(10, 80);
  api.beforeList = (number) => {
    if (number === 6) for (const { id } of gone) api.list.remove(id);
  };
  const cwd = temporaryFolder();
  const { code, stdout } = await runProgram(['sync', '--json'], { cwd, env: api.env });
  expect(code).toBe(0);
  expect(outcomeOf(stdout).sources[0]).toMatchObject({ outcome: 'ok', verdict: 'repaired', gaps: 0 });
  // What vanished was read before: only a full run may remove it.
  expect(mirroredTasks(join(cwd, 'taskmirror.db'))).toEqual(inMirrorOrder([...api.list.all(), ...gone]));
});

test('a run reaches its end if nobody reads its log any more', async () => {
  const api = await serveTasks(teamTasks(300));
  const env = { ...api.env, TASKMIRROR_LOG_LEVEL: 'info' };
  const cwd = temporaryFolder();
  const held = holdList(api);
  const program = startProgram(['sync'], { cwd, env });
  await held.arrived;
  program.closeStderr();
  held.release();
  const { code, stdout } = await program.ended;
  expect([code, stdout.slice(0, 19)]).toEqual([0, 'default: up to date']);
  const mirror = join(cwd, 'taskmirror.db');
  expect(mirroredTasks(mirror)).toEqual(inMirrorOrder(api.list.all()));
  expect(readRows(mirror, 'select outcome from sync_runs')).toEqual([{ outcome: 'ok' }]);
});

test('nobody else can read the database, nor the files that SQLite keeps beside it', async () => {
  const umask = process.umask(0o022);
  onTestFinished(() => void process.umask(umask));
  const api = await serveTasks(teamTasks(400));
  const cwd = temporaryFolder();
  const modes = (): string[] =>
    ['taskmirror.db', 'taskmirror.db-wal', 'taskmirror.db-shm'].flatMap((name) => {
      const mode = statSync(join(cwd, name), { throwIfNoEntry: false })?.mode;
      return mode === undefined ? [] : [`${name} ${(mode & 0o777).toString(8)}`];
    });
  let during: string[] = [];
  api.beforeList = (number) => {
    if (number === 3) during = modes();
  };
  await runProgram(['sync'], { cwd, env: api.env });
  expect(during).toEqual(['taskmirror.db 600', 'taskmirror.db-wal 600', 'taskmirror.db-shm 600']);
  expect(modes()).toEqual(['taskmirror.db 600']);
});

test('fields that must not be kept are in no byte of the database files, while a run is on and afterwards', async () => {
  const api = await serveTasks(
    Array.from({ length: 400 }, (_, i) => privateTask(`t${i}`, EPOCH - i * 1_000)),
  );
  api.list.put(privateTask('bad', EPOCH - 500, { messageCount: -1 }));
  const cwd = temporaryFolder();
  const env = { ...api.env, TASKMIRROR_OMIT_FIELDS: 'message,env' };
  const seen = { hushed: new Set<string>(), told: new Set<string>() };
  const look = (): void => {
    for (const name of filesWith(cwd, 'hushed')) seen.hushed.add(name);
    for (const name of filesWith(cwd, 'told to everybody')) seen.told.add(name);
  };
  api.beforeList = look;

  expect((await runProgram(['sync'], { cwd, env })).code).toBe(3);
  look();
  api.list.put(privateTask('t0', EPOCH, { message: 'hushed, and edited', messageCount: 9 }));
  expect((await runProgram(['sync'], { cwd, env })).code).toBe(3);
  look();

  expect(seen).toEqual({
    hushed: new Set(),
    told: new Set(['taskmirror.db', 'taskmirror.db-wal']),
  });
});

function privateTask(id: string, activity: number, fields: Partial<ApiTask> = {}): ApiTask {
  return completedTask(id, activity, {
    message: `hushed message ${id}`,
    env: { NOTE: 'hushed env', LOUD: 'hushed too' },
    systemPrompt: 'told to everybody',
    ...fields,
  });
}

function outcomeOf(stdout: string): SyncOutcome {
  return JSON.parse(stdout) as SyncOutcome;
}
