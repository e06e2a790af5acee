import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inMirrorOrder, mirroredTasks, readRows, temporaryFolder } from '../support/mirror.ts';
import { MAIN, type Program, runProgram, startProgram } from '../support/program.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';
import { holdList, serveTasks, teamTasks, type TestApi } from './api.ts';
import { filesIn } from './files.ts';

const KEYS = { one: 'sigmic_first_7d1c55e0b2', two: 'sigmic_second_c93af81e64' };

test('mirrors two sources at start, follows their changes, and is open to other processes meanwhile', async () => {
  const { daemon, one, two, cwd, file } = await startDaemon();
  await daemon.line(/"source":"one".*"run ok"/);
  await daemon.line(/"source":"two".*"run ok"/);
  expect(mirroredTasks(file)).toEqual(inMirrorOrder([...one.list.all(), ...two.list.all()]));

  const open = two.list.all().findLast(({ status }) => status === 'running');
  if (open === undefined) throw new Error('the list has no running task');
  one.list.put(completedTask('fresh', EPOCH + 1_000, { message: 'What is new?' }));
  two.list.put({ ...open, status: 'awaiting_approval' });
  await daemon.line(/"source":"one".*"inserted":1,/);
  await daemon.line(/"source":"two".*"updated":1,/);
  expect(mirroredTasks(file)).toEqual(inMirrorOrder([...one.list.all(), ...two.list.all()]));

  const [query, status] = await Promise.all([
    runProgram(['query', '--db', 'mirror.db', '--json', "select message from tasks where id = 'fresh'"], {
      cwd,
    }),
    runProgram(['status', '--db', 'mirror.db', '--json'], { cwd }),
  ]);
  expect([query.code, query.stderr, JSON.parse(query.stdout)]).toEqual([
    0,
    '',
    [{ message: 'What is new?' }],
  ]);
  expect([status.code, status.stderr]).toEqual([0, '']);
  expect(JSON.parse(status.stdout)).toMatchObject({
    sources: [
      { source: 'one', gaps: [], liveRows: one.list.size },
      { source: 'two', gaps: [], liveRows: two.list.size },
    ],
  });

  daemon.kill('SIGTERM');
  const { code, stdout, stderr } = await daemon.ended;
  expect([code, stdout]).toEqual([0, '']);
  for (const key of Object.values(KEYS)) {
    expect(stderr + query.stdout + status.stdout + Object.values(filesIn(cwd)).join('')).not.toContain(key);
  }
});

test('a source whose key is refused does not disturb the other, and the daemon stays up', async () => {
  const { daemon, one, two } = await startDaemon({ KEY_TWO: 'sigmic_refused' });
  expect(await daemon.line(/"source":"two".*paused/)).toContain('environment variable KEY_TWO');
  await daemon.line(/"source":"one".*"run ok"/);
  one.list.put(completedTask('fresh', EPOCH + 1_000));
  await daemon.line(/"source":"one".*"inserted":1,/);
  expect(two.stats.list).toBe(1);

  daemon.kill('SIGTERM');
  const { code, stderr } = await daemon.ended;
  expect(code).toBe(0);
  expect(stderr).not.toContain('sigmic_refused');
});

test('SIGTERM with a request in flight: exit code 0 before the time to drain is up, every lease and run record closed', async () => {
  const { daemon, one, file } = await startDaemon();
  await daemon.line(/"source":"one".*"run ok"/);
  const held = holdList(one);
  await held.arrived;
  expect(readRows(file, "select pid from leases where source = 'one'")).toEqual([{ pid: daemon.pid }]);
  daemon.kill('SIGTERM');
  // What is not over after 4.5 s ends with 130.
  expect(await daemon.ended).toMatchObject({ code: 0, stdout: '' });
  expect(readRows(file, 'select * from leases')).toEqual([]);
  expect(readRows(file, 'select * from sync_runs where finished_at is null')).toEqual([]);
});

test('goes on where nobody takes its log any more', async () => {
  const { daemon, one, file } = await startDaemon();
  await daemon.line(/"source":"one".*"run ok"/);
  daemon.closeStderr();
  one.list.put(completedTask('fresh', EPOCH + 1_000));
  // Every run before it has had something to log.
  const held = holdList(one, one.stats.list + 4);
  expect(await Promise.race([held.arrived, daemon.ended])).toBeUndefined();
  daemon.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  expect(readRows(file, "select id from tasks where id = 'fresh'")).toHaveLength(1);
});

/** Keeps the process from ending by itself between the first signal and the second, however far apart they come. */
const UNTIL_SECOND = `let open;
  for (const name of ['SIGTERM', 'SIGINT']) {
    process.on(name, () => { if (open) clearInterval(open); else open = setInterval(() => {}, 1000); });
  }`;

test('a second signal ends it at once', async () => {
  const { daemon, one } = await startDaemon({ preload: UNTIL_SECOND });
  const held = holdList(one);
  await held.arrived;
  // Both signals have come before it can act on the first.
  for (const signal of ['SIGSTOP', 'SIGTERM', 'SIGINT', 'SIGCONT'] as const) daemon.kill(signal);
  expect((await daemon.ended).code).toBe(130);
});

interface Setup {
  daemon: Program;
  one: TestApi;
  two: TestApi;
  cwd: string;
  file: string;
}

/** A daemon that looks at two APIs every second, and logs all that it can. `preload` is run in its process before it. */
async function startDaemon({ preload, ...env }: { KEY_TWO?: string; preload?: string } = {}): Promise<Setup> {
  const one = await serveTasks(teamTasks(300, 1), { key: KEYS.one });
  const two = await serveTasks(teamTasks(300, 2), { key: KEYS.two });
  const cwd = temporaryFolder();
  const config = {
    database: './mirror.db',
    schedule: '*/1 * * * * *',
    fullSchedule: null,
    sources: [
      { name: 'one', baseUrl: one.url, apiKey: { env: 'KEY_ONE' } },
      { name: 'two', baseUrl: two.url, apiKey: { env: 'KEY_TWO' } },
    ],
    log: { level: 'trace' },
  };
  writeFileSync(join(cwd, 'mirrors.json'), JSON.stringify(config));
  const daemon = startProgram(['daemon', '--config', 'mirrors.json'], {
    cwd,
    env: { KEY_ONE: KEYS.one, KEY_TWO: KEYS.two, ...env },
    ...(preload === undefined
      ? {}
      : { node: ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, MAIN] }),
  });
  return { daemon, one, two, cwd, file: join(cwd, 'mirror.db') };
}
