import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SecretReference } from '../../src/config/settings.ts';
import { inMirrorOrder, mirroredTasks, readRows, temporaryFolder } from '../support/mirror.ts';
import { MAIN, type Program, type ProgramOptions, runProgram, startProgram } from '../support/program.ts';
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
  const { daemon, one, two } = await startDaemon({ env: { KEY_TWO: 'sigmic_refused' } });
  const paused = JSON.parse(await daemon.line(/"source":"two".*paused/)) as object;
  expect(paused).toMatchObject({ level: 'error', run: expect.any(Number), failures: 1, pauseMs: 900_000 });
  expect(paused).toHaveProperty('err.message', expect.stringContaining('environment variable KEY_TWO'));
  expect(paused).not.toHaveProperty('err.stack');
  expect(await daemon.line(/"source":"two".*"run failed"/)).toContain('"level":"warn"');
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

test('continues if nobody reads its log any more', async () => {
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

describe('a refused key that is replaced ends the pause at the next slot', () => {
  test('in its file', async () => {
    const { daemon, two, cwd } = await startDaemon({
      keyOfTwo: { file: './two.key' },
      files: { 'two.key': 'sigmic_revoked' },
    });
    await daemon.line(/"source":"two".*paused/);
    writeFileSync(join(cwd, 'two.key'), KEYS.two);
    await daemon.line(/"source":"two".*"run ok"/);
    expect(two.stats.list).toBeGreaterThan(1);
    daemon.kill('SIGTERM');
    const { stderr } = await daemon.ended;
    expect(stderr).not.toContain('sigmic_revoked');
    expect(stderr).not.toContain(KEYS.two);
  });

  test('by its command, which is run once a slot: a token may be good for one run', async () => {
    // Prints the key the third time only.
    const command = `echo >>calls; test $(wc -l <calls) = 3 && echo ${KEYS.two} || echo sigmic_revoked`;
    const { daemon, file, cwd } = await startDaemon({ keyOfTwo: { command } });
    await daemon.line(/"source":"two".*"run ok"/);
    const calls = readFileSync(join(cwd, 'calls'), 'utf8').length;
    expect(calls).toBeLessThanOrEqual(4);
    const ended =
      "select outcome from sync_runs where source = 'two' and outcome is not null order by id limit 2";
    expect(readRows(file, ended)).toEqual([{ outcome: 'failed' }, { outcome: 'ok' }]);
  });
});

/** The `script` of util-linux, which makes a terminal; its like elsewhere takes other flags. */
const hasScript = spawnSync('script', ['--version']).status === 0;

describe('SIGHUP', () => {
  test.each<[string, By]>([
    ['under nohup', (command) => ['nohup', ...command]],
    ['where the shell ignores it', (command) => ['sh', '-c', `trap '' HUP; exec "$@"`, 'sh', ...command]],
  ])('stays ignored %s', async (_, by) => {
    expect(await endsLater(by)).toEqual({ survived: true, code: 0 });
  });

  test.skipIf(!hasScript).each<[string, By]>([
    ['under nohup', (command) => inTerminal(['nohup', ...command])],
    [
      'under a nohup that leaves stdin as it is',
      (command) => inTerminal(['env', '_=/usr/bin/nohup', ...command]),
    ],
  ])('stays ignored in a terminal %s', async (_, by) => {
    expect(await endsLater(by)).toEqual({ survived: true, code: 0 });
  });

  test.skipIf(!hasScript)('stops it in a terminal, which has been closed', async () => {
    const setup = await startDaemon({ by: inTerminal });
    process.kill(await pidOf(setup), 'SIGHUP');
    expect((await setup.daemon.ended).code).toBe(0);
    expect(readRows(setup.file, 'select * from leases')).toEqual([]);
  });
});

describe('a daemon that cannot continue ends, so that its supervisor restarts it', () => {
  test('if its database was deleted: exit code 10', async () => {
    const { daemon, file } = await startDaemon();
    await daemon.line(/"source":"one".*"run ok"/);
    rmSync(file);
    const { code, stderr } = await daemon.ended;
    expect(code).toBe(10);
    expect(stderr).toMatch(/"level":"error".*deleted or moved away.*cannot continue/);
    expect(stderr).toMatch(/^taskmirror: .*deleted or moved away.*\n.*Restart this process/m);
  });

  test('if an error is thrown outside of every run: exit code 1, and no key in the output', async () => {
    const preload = "process.on('SIGUSR2', () => { throw new Error(`stray ${process.env.KEY_ONE}`); });";
    const { daemon } = await startDaemon({ preload });
    await daemon.line(/"source":"one".*"run ok"/);
    daemon.kill('SIGUSR2');
    const { code, stderr } = await daemon.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('stray [redacted]');
    expect(stderr).not.toContain(KEYS.one);
  });
});

type By = NonNullable<ProgramOptions['by']>;

/** A terminal, as long as the command lasts; its exit code is the command's. */
function inTerminal(command: readonly string[]): [string, ...string[]] {
  const line = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  return ['script', '-qefc', `exec ${line}`, '/dev/null'];
}

/** The process that holds the lease while its request is held back. */
async function pidOf({ one, file }: Setup): Promise<number> {
  const held = holdList(one);
  await held.arrived;
  const [lease] = readRows<{ pid: number }>(file, "select pid from leases where source = 'one'");
  if (lease === undefined) throw new Error('no process holds the lease');
  onTestFinished(() => killHard(lease.pid));
  held.release();
  return lease.pid;
}

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** A daemon that gets SIGHUP, and SIGTERM a run later: by then it has noticed the first. */
async function endsLater(by: By): Promise<{ survived: boolean; code: number | null }> {
  const setup = await startDaemon({ by });
  const { one, daemon } = setup;
  const pid = await pidOf(setup);
  process.kill(pid, 'SIGHUP');
  // The first run needs fewer.
  const later = holdList(one, one.stats.list + 6);
  const survived = await Promise.race([later.arrived.then(() => true), daemon.ended.then(() => false)]);
  if (survived) process.kill(pid, 'SIGTERM');
  return { survived, code: (await daemon.ended).code };
}

interface Setup {
  daemon: Program;
  one: TestApi;
  two: TestApi;
  cwd: string;
  file: string;
}

interface DaemonOptions extends Pick<ProgramOptions, 'env' | 'by'> {
  /** Run in its process before it. */
  preload?: string;
  /** Where the key of the source `two` is kept. */
  keyOfTwo?: SecretReference;
  /** In the folder where it starts, by name. */
  files?: Record<string, string>;
}

/** A daemon that looks at two APIs every second, and logs all that it can. */
async function startDaemon(options: DaemonOptions = {}): Promise<Setup> {
  const { env, by, preload, keyOfTwo = { env: 'KEY_TWO' }, files = {} } = options;
  const one = await serveTasks(teamTasks(300, 1), { key: KEYS.one });
  const two = await serveTasks(teamTasks(300, 2), { key: KEYS.two });
  const cwd = temporaryFolder();
  const config = {
    database: './mirror.db',
    schedule: '*/1 * * * * *',
    fullSchedule: null,
    sources: [
      { name: 'one', baseUrl: one.url, apiKey: { env: 'KEY_ONE' } },
      { name: 'two', baseUrl: two.url, apiKey: keyOfTwo },
    ],
    log: { level: 'trace' },
  };
  for (const [name, text] of Object.entries({ ...files, 'mirrors.json': JSON.stringify(config) })) {
    writeFileSync(join(cwd, name), text, { mode: 0o600 });
  }
  const daemon = startProgram(['daemon', '--config', 'mirrors.json'], {
    cwd,
    env: { KEY_ONE: KEYS.one, KEY_TWO: KEYS.two, ...env },
    ...(by === undefined ? {} : { by }),
    ...(preload === undefined
      ? {}
      : { node: ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, MAIN] }),
  });
  return { daemon, one, two, cwd, file: join(cwd, 'mirror.db') };
}
