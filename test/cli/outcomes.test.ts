import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SyncOutcome } from '../../src/cli/commands/sync.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { apiError } from '../source/http/loopback.ts';
import { serveList } from '../faults/api.ts';
import { inMirrorOrder, mirroredTasks, readRows, temporaryFolder } from '../support/mirror.ts';
import { MAIN, runProgram, startProgram } from '../support/program.ts';
import { completedTask, EPOCH, runningTask, tasksApart } from '../support/tasks.ts';
import { holdList, KEY, serveTasks, teamTasks } from './api.ts';
import { filesIn } from './files.ts';

describe('what sync prints', () => {
  test('--json: one object with the documented fields, and nothing on stderr', async () => {
    const api = await serveTasks(tasksApart(250, 1_000));
    const cwd = temporaryFolder();
    const { code, stdout, stderr } = await runProgram(['sync', '--json'], { cwd, env: api.env });
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      sources: [
        {
          name: 'default',
          kind: 'backfill',
          outcome: 'ok',
          verdict: 'clean',
          requests: expect.any(Number),
          rowsSeen: expect.any(Number),
          inserted: 250,
          updated: 0,
          unchanged: expect.any(Number),
          removed: 0,
          rejected: 0,
          gaps: 0,
          completeThrough: '2026-02-01T00:00:00.000Z',
          durationMs: expect.any(Number),
          error: null,
          plan: null,
        },
      ],
    });
  });

  test('plain: what was done and complete through when; stderr holds nothing but the log, a JSON object a line', async () => {
    const api = await serveTasks(tasksApart(250, 1_000));
    const env = { ...api.env, TASKMIRROR_LOG_LEVEL: 'info' };
    const { code, stdout, stderr } = await runProgram(['sync'], { cwd: temporaryFolder(), env });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^default: up to date: 250 new, 0 changed \(3 requests, .+\)\n {2}complete through 2026-02-01T00:00:00\.000Z\n$/,
    );
    const lines = stderr.trimEnd().split('\n');
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 'info', source: 'default', run: 1, msg: 'run ok', inserted: 250 }),
    ]);
  });
});

describe('exit code 2: the caller has to correct something', () => {
  test.each([
    ['no source', ['sync'], /No source is set.*SIGMIC_API_KEY/s],
    ['an unknown flag', ['sync', '--fast'], /--fast.*See taskmirror sync --help\./s],
    ['an unknown command', ['snyc'], /snyc.*See taskmirror --help\./s],
    ['a missing argument', ['source', 'move', 'x'], /url.*See taskmirror source move --help\./s],
    ['a database for the demo', ['demo', '--db', 'x.db'], /--db cannot be used with demo.*--keep FILE/s],
    ['too many arguments', ['status', 'now'], /arguments/],
  ])('%s', async (_, args, said) => {
    const cwd = temporaryFolder();
    const { code, stdout, stderr } = await runProgram(args, { cwd });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(said);
    expect(filesIn(cwd)).toEqual({});
  });

  test('settings that are wrong: all problems at once, and nothing is asked or written', async () => {
    const api = await serveTasks([]);
    const cwd = temporaryFolder();
    const config = {
      sources: [{ name: 'two words', baseUrl: 'http://example.com', apiKey: { env: 'SIGMIC_API_KEY' } }],
      schedule: 'hourly',
      sync: { pageSize: 1_000 },
      databse: 'x.db',
    };
    writeFileSync(join(cwd, 'taskmirror.config.json'), JSON.stringify(config));
    const env = { ...api.env, TASKMIRROR_SYNC_CONCURRENCY: 'many', TASKMIRROR_TIMZONE: 'UTC' };
    const { code, stderr } = await runProgram(['sync'], { cwd, env });
    expect(code).toBe(2);
    const places = ['sources[0].name', 'sources[0].baseUrl', 'schedule', 'sync.pageSize', 'databse'];
    for (const place of [...places, 'TASKMIRROR_SYNC_CONCURRENCY', 'TASKMIRROR_TIMZONE']) {
      expect(stderr).toContain(place);
    }
    expect(stderr).toContain('7 problems');
    expect(api.stats.list).toBe(0);
    expect(Object.keys(filesIn(cwd))).toEqual(['taskmirror.config.json']);
  });
});

test('a command that fails ends its process, whatever still runs there', async () => {
  const node = ['--import', 'data:text/javascript,setInterval(() => {}, 1000)', MAIN];
  expect((await runProgram(['sync'], { cwd: temporaryFolder(), node })).code).toBe(2);
});

test('exit code 3: an open task that the API forbids is named with what the API said, in the log and after the run', async () => {
  const list = new SimulatedList([...tasksApart(300, 60_000), runningTask('locked', EPOCH - 300 * 60_000)]);
  const api = await serveList(list);
  const cwd = temporaryFolder();
  const env = { SIGMIC_API_KEY: 'sigmic_0123456789abcdef', SIGMIC_BASE_URL: api.url };
  expect((await runProgram(['sync'], { cwd, env })).code).toBe(0);
  list.put(completedTask('new', EPOCH + 1_000));
  api.fault = (n) =>
    api.requests[n - 1]?.url === '/api/v1/tasks/locked' ? apiError(403, 'FORBIDDEN', 'Not yours') : null;
  const { code, stdout, stderr } = await runProgram(['sync'], { cwd, env });
  expect(code).toBe(3);
  const reason = 'GET /api/v1/tasks/locked was tried once and failed: HTTP 403 (FORBIDDEN: Not yours).';
  expect(stdout).toContain('1 row could not be read: see the table rejected_rows\n');
  expect(stdout).toContain(
    `  a task stays as mirrored, since the API does not return it: Source "default": ${reason}\n`,
  );
  expect(stderr).toContain('the API does not return a task: it stays as mirrored');
  expect(stderr).toContain(reason.replaceAll('"', String.raw`\"`));
});

test('exit code 3: a row that cannot be read is set aside, and all others are mirrored', async () => {
  const api = await serveTasks(tasksApart(250, 1_000));
  api.list.put(completedTask('bad', EPOCH - 120_500, { messageCount: -3 }));
  const cwd = temporaryFolder();
  const { code, stdout } = await runProgram(['sync', '--json'], { cwd, env: api.env });
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    sources: [{ outcome: 'partial', verdict: 'clean', rejected: 1, inserted: 250, gaps: 0 }],
  });
  const file = join(cwd, 'taskmirror.db');
  expect(mirroredTasks(file)).toEqual(inMirrorOrder(api.list.all().filter(({ id }) => id !== 'bad')));
  expect(readRows(file, 'select task_id, reason from rejected_rows')).toEqual([
    { task_id: 'bad', reason: expect.stringMatching(/messageCount.*-3/) },
  ]);
});

test('exit code 4: a refused key, with its source and the setting that holds it, and never the key', async () => {
  const api = await serveTasks(tasksApart(10, 1_000), { key: 'sigmic_another' });
  const cwd = temporaryFolder();
  const env = { ...api.env, SIGMIC_API_KEY: KEY };
  const { code, stdout, stderr } = await runProgram(['sync', '--json'], { cwd, env });
  expect(code).toBe(4);
  expect(stderr).toMatch(/"default".*environment variable SIGMIC_API_KEY/);
  expect(stderr).not.toContain('run failed');
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, sources: [{ outcome: 'failed', requests: 1 }] });
  expect(stdout + stderr + Object.values(filesIn(cwd)).join('')).not.toContain(KEY);
});

test('exit code 5: an API that is down, and what was mirrored before stays', async () => {
  const api = await serveTasks(tasksApart(250, 1_000));
  const cwd = temporaryFolder();
  await runProgram(['sync'], { cwd, env: api.env });
  await api.close();
  const env = { ...api.env, TASKMIRROR_SYNC_RETRY_SECONDS: '0' };
  const { code, stderr } = await runProgram(['sync'], { cwd, env });
  expect(code).toBe(5);
  expect(stderr).toMatch(
    /^taskmirror: Source "default": .*ECONNREFUSED.*Check the network and the base URL.*later/s,
  );
  expect(mirroredTasks(join(cwd, 'taskmirror.db'))).toEqual(inMirrorOrder(api.list.all()));
});

test('exit code 11: another process is syncing the source; its pid and host are named, and it is not disturbed', async () => {
  const api = await serveTasks(teamTasks(300));
  const cwd = temporaryFolder();
  const held = holdList(api);
  const first = startProgram(['sync'], { cwd, env: api.env });
  await held.arrived;
  const second = await runProgram(['sync'], { cwd, env: api.env });
  expect(second.code).toBe(11);
  expect(second.stderr).toContain(`process ${first.pid} on ${hostname()}`);
  expect(api.stats.list).toBe(1);
  held.release();
  expect((await first.ended).code).toBe(0);
  expect(mirroredTasks(join(cwd, 'taskmirror.db'))).toEqual(inMirrorOrder(api.list.all()));
});

test('exit code 130: SIGINT with a request in flight; committed data stays, and the next run goes on from there', async () => {
  const api = await serveTasks(tasksApart(2_000, 60_000));
  const cwd = temporaryFolder();
  const file = join(cwd, 'taskmirror.db');
  const held = holdList(api, 15);
  const program = startProgram(['sync', '--json'], { cwd, env: api.env });
  await held.arrived;
  program.kill('SIGINT');
  const { code, stdout } = await program.ended;
  expect(code).toBe(130);
  const { ok, sources } = JSON.parse(stdout) as SyncOutcome;
  expect({ ok, sources }).toMatchObject({ ok: false, sources: [{ outcome: 'interrupted', gaps: 1 }] });
  const committed = sources[0]?.inserted ?? 0;
  expect(committed).toBeGreaterThan(800);
  expect(mirroredTasks(file)).toEqual(api.list.all().slice(0, committed));
  expect(readRows(file, 'select * from leases')).toEqual([]);

  held.release();
  const before = api.stats.list;
  expect((await runProgram(['sync'], { cwd, env: api.env })).code).toBe(0);
  expect(api.stats.list - before).toBeLessThan(15);
  expect(mirroredTasks(file)).toEqual(api.list.all());
});
