import { once } from 'node:events';
import { existsSync, readFileSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { testMessage } from '../../src/feed/message.ts';
import { runCommand } from '../../src/feed/run-command.ts';
import { createSender } from '../../src/feed/sender.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { NEVER } from './kit.ts';

/** A hook that runs a script of Node, in a folder of its own. */
function commandHook(script: string, env: Record<string, string> = {}) {
  const cwd = temporaryFolder();
  const clock = createFakeClock();
  const lines: string[] = [];
  const command = [process.execPath, '-e', script] as const;
  const send = createSender(
    'alerts',
    { kind: 'command', command: [...command] },
    {
      clock,
      secret: async () => null,
      env: { PATH: process.env['PATH'], ...env },
      cwd,
      userAgent: '',
      onOutput: (line) => lines.push(line),
    },
  );
  return { cwd, clock, lines, send, message: testMessage('alerts', clock.now()) };
}

const SAVE_STDIN = `
  const chunks = [];
  process.stdin.on('data', (chunk) => chunks.push(chunk)).on('end', () =>
    require('node:fs').writeFileSync('got.json', Buffer.concat(chunks)));`;

test('a command gets the event on stdin, and delivers it by exit code 0', async () => {
  const { cwd, send, message } = commandHook(SAVE_STDIN);
  expect(await send(message, NEVER)).toEqual({ outcome: 'delivered' });
  const text = readFileSync(join(cwd, 'got.json'), 'utf8');
  expect(text.endsWith('}\n')).toBe(true);
  expect(JSON.parse(text)).toEqual({ id: message.id, ...message.body });
});

test('a command gets of the environment what no key is in, and which hook and event it is', async () => {
  const script = `require('node:fs').writeFileSync('env.json', JSON.stringify(process.env))`;
  const { cwd, send, message } = commandHook(script, {
    HOME: '/nowhere',
    LC_ALL: 'C',
    SIGMIC_API_KEY: 'sigmic_secret',
    PGPASSWORD: 'hunter2',
  });
  await send(message, NEVER);
  const env = JSON.parse(readFileSync(join(cwd, 'env.json'), 'utf8')) as Record<string, string>;
  expect(env).toMatchObject({
    HOME: '/nowhere',
    LC_ALL: 'C',
    TASKMIRROR_HOOK: 'alerts',
    TASKMIRROR_EVENT: 'hook.test',
  });
  expect(JSON.stringify(env)).not.toMatch(/sigmic_secret|hunter2/);
});

test('an exit code other than 0 is a failure; its last words go to the log alone', async () => {
  const { send, message, lines } = commandHook(`console.error('one\\nno such channel'); process.exit(3)`);
  expect(await send(message, NEVER)).toEqual({
    outcome: 'failed',
    reason: 'ended with exit code 3',
    retryAfterMs: null,
  });
  expect(lines).toEqual(['no such channel']);
});

test('the last words of commands that end at the same time are not lost', async () => {
  const lines: string[] = [];
  const message = testMessage('alerts', 0);
  const deps = { env: process.env, cwd: null, onOutput: (line: string) => lines.push(line), signal: NEVER };
  const run = () =>
    runCommand(
      ['sh', '-c', 'echo no >&2; exit 1'],
      { hook: 'alerts', message },
      { ...deps, clock: createFakeClock() },
    );
  for (let round = 0; round < 5; round += 1) await Promise.all(Array.from({ length: 10 }, run));
  expect(lines).toEqual(Array(50).fill('no'));
});

test('a command that does not read its stdin delivers all the same', async () => {
  const { send, message } = commandHook(`process.stdin.destroy()`);
  expect(await send(message, NEVER)).toEqual({ outcome: 'delivered' });
});

test('a command that prints without end does not fill the memory, and delivers', async () => {
  const { send, message } = commandHook(`
    const line = 'x'.repeat(65536);
    for (let i = 0; i < 64; i++) { process.stdout.write(line); process.stderr.write(line); }`);
  expect(await send(message, NEVER)).toEqual({ outcome: 'delivered' });
});

test.each([
  ['is not there', '/nowhere/notify', 'ENOENT'],
  ['would be in a folder that is a file', `${process.execPath}/notify`, 'ENOTDIR'],
])('a program that %s is a failure', async (_, program, code) => {
  const clock = createFakeClock();
  const send = createSender(
    'alerts',
    { kind: 'command', command: [program] },
    {
      clock,
      secret: async () => null,
      env: {},
      cwd: null,
      userAgent: '',
      onOutput: () => {},
    },
  );
  expect(await send(testMessage('alerts', 0), NEVER)).toMatchObject({
    reason: `could not be started (${code})`,
  });
});

/** Starts a child that never ends, tells its pid in a file, and never ends itself. */
const HANGING = `
  const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
  require('node:fs').writeFileSync('pid.tmp', String(child.pid));
  require('node:fs').renameSync('pid.tmp', 'pid');
  setInterval(() => {}, 1000);`;

/** Resolves once a file is there: the command is a process of its own. */
async function appears(file: string): Promise<void> {
  const watcher = watch(dirname(file));
  try {
    while (!existsSync(file)) await once(watcher, 'change');
  } finally {
    watcher.close();
  }
}

/** Resolves once a process is gone. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      if (/\) Z /.test(stat)) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a command that hangs is killed with all that it started', async () => {
  const { cwd, clock, send, message } = commandHook(HANGING);
  const sending = send(message, NEVER);
  await appears(join(cwd, 'pid'));
  clock.expireTimeouts();
  expect(await sending).toMatchObject({ outcome: 'failed', reason: 'was still running after 30 s' });
  await gone(Number(readFileSync(join(cwd, 'pid'), 'utf8')));
});

test('a command is killed if somebody stops the delivery', async () => {
  const { cwd, send, message } = commandHook(HANGING);
  const stop = new AbortController();
  const sending = send(message, stop.signal);
  await appears(join(cwd, 'pid'));
  stop.abort(new Error('stopped'));
  await expect(sending).rejects.toThrow('stopped');
  await gone(Number(readFileSync(join(cwd, 'pid'), 'utf8')));
});
