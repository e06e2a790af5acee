import { createHmac } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readRows, temporaryFolder } from '../support/mirror.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';
import { serveTasks, type TestApi } from './api.ts';
import { filesIn } from './files.ts';

const SECRET = `whsec_${Buffer.from('the secret of the alerts hook').toString('base64')}`;

interface Setup {
  cwd: string;
  api: TestApi;
  receiver: Receiver;
  env: Record<string, string>;
  /** Runs the program with the settings. */
  run: (...args: string[]) => ReturnType<typeof runProgram>;
}

/** A mirror of one task, whose settings have a hook at a receiver. */
async function setUp(hook: object = {}, settings: object = {}): Promise<Setup> {
  const api = await serveTasks([completedTask('first', EPOCH)]);
  const receiver = await startReceiver();
  const cwd = temporaryFolder();
  const alerts = { name: 'alerts', events: ['task.*'], url: receiver.url, secret: { env: 'ALERTS_SECRET' } };
  writeFileSync(
    join(cwd, 'taskmirror.config.json'),
    JSON.stringify({ hooks: [{ ...alerts, ...hook }], ...settings }),
  );
  const env = { ...api.env, ALERTS_SECRET: SECRET };
  return { cwd, api, receiver, env, run: (...args) => runProgram(args, { cwd, env }) };
}

const toldBy = ({ got }: Receiver): string[] =>
  got.map(({ body }) => `${body.type} ${(body.data['task'] as { id: string } | null)?.id ?? ''}`.trim());

const idOf = ({ headers }: Received): unknown => headers['webhook-id'];

function isSigned({ headers, text }: Received): boolean {
  const key = Buffer.from(SECRET.replace('whsec_', ''), 'base64');
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`;
  const expected = createHmac('sha256', key).update(signed).digest('base64');
  return headers['webhook-signature'] === `v1,${expected}`;
}

describe('sync with a hook', () => {
  test('is quiet about the first backfill, and then tells what it brought, signed and in order', async () => {
    const { api, receiver, cwd, run } = await setUp();
    expect(await run('sync')).toMatchObject({ code: 0, stderr: '' });
    expect(receiver.got).toEqual([]);
    api.list.put(completedTask('second', EPOCH + 1_000));
    api.list.put(completedTask('third', EPOCH + 2_000));
    expect(await run('sync')).toMatchObject({ code: 0, stderr: '' });
    expect(toldBy(receiver).toSorted()).toEqual([
      'task.added second',
      'task.added third',
      'task.completed second',
      'task.completed third',
    ]);
    const seqs = receiver.got.map(({ body }) => body.data['seq']);
    expect(seqs).toEqual([2, 2, 3, 3]);
    expect(receiver.got.every(isSigned)).toBe(true);
    expect(Object.values(filesIn(cwd)).join('')).not.toContain(SECRET.slice(6));
    await run('sync');
    expect(receiver.got).toHaveLength(4);
  });

  test('succeeds though the hook fails, says so, and tells the rest with the next run', async () => {
    const { api, receiver, cwd, run } = await setUp({ events: ['task.added'] });
    await run('sync');
    receiver.answers(500);
    api.list.put(completedTask('second', EPOCH + 1_000));
    const failed = await run('sync');
    expect(failed.code).toBe(0);
    expect(failed.stderr).toMatch(/answered 500.*a hook failed and is tried again/);
    receiver.answers(200);
    expect(readRows(join(cwd, 'taskmirror.db'), 'select attempts, last_error from hooks')).toEqual([
      { attempts: 1, last_error: 'answered 500' },
    ]);
    const replayed = await run('hooks', 'replay', 'alerts', '--since', '1');
    expect(replayed).toMatchObject({
      code: 0,
      stdout: 'hook "alerts": 1 event delivered of what came after change 1\n',
    });
    expect(toldBy(receiver)).toEqual(['task.added second', 'task.added second']);
    expect(idOf(receiver.got[0] as Received)).toBe(idOf(receiver.got[1] as Received));
  });

  test('that is killed between the receipt of an event and its answer sends it again, with the same id', async () => {
    const { api, receiver, cwd, env, run } = await setUp({ events: ['task.added'] });
    await run('sync');
    for (const [n, id] of ['second', 'third', 'fourth'].entries()) {
      api.list.put(completedTask(id, EPOCH + 1_000 * (n + 1)));
    }
    receiver.answers(200, () => {});
    const killed = startProgram(['sync'], { cwd, env });
    await receiver.gets(2);
    killed.kill('SIGKILL');
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
    receiver.answers(200);
    expect(await run('sync')).toMatchObject({ code: 0, stderr: '' });
    const ids = receiver.got.map(idOf);
    expect(ids).toHaveLength(4);
    expect(ids[2]).toBe(ids[1]);
    expect(receiver.got.map(({ body }) => body.data['seq'])).toEqual([2, 3, 3, 4]);
  });

  test('tells of a source that fails, and of its recovery', async () => {
    const { api, receiver, env, cwd, run } = await setUp({ events: ['source.*'] });
    await run('sync');
    const refused = { ...env, SIGMIC_API_KEY: 'sigmic_refused' };
    expect(await runProgram(['sync'], { cwd, env: refused })).toMatchObject({ code: 4 });
    expect(await runProgram(['sync'], { cwd, env: refused })).toMatchObject({ code: 4 });
    api.list.put(completedTask('second', EPOCH + 1_000));
    await run('sync');
    expect(toldBy(receiver)).toEqual(['source.failed', 'source.recovered']);
  });

  test('does nothing to hooks if it is dry', async () => {
    const { api, receiver, cwd, run } = await setUp();
    await run('sync');
    api.list.put(completedTask('second', EPOCH + 1_000));
    await run('sync', '--dry-run');
    expect(receiver.got).toEqual([]);
    expect(readRows(join(cwd, 'taskmirror.db'), 'select seq from hooks')).toEqual([{ seq: 1 }]);
  });

  test('runs a command for each event', async () => {
    const script = `let text = ''; process.stdin.on('data', (d) => (text += d)).on('end', () =>
      require('node:fs').appendFileSync('told.jsonl', text))`;
    const { api, cwd, run } = await setUp({
      events: ['task.added'],
      url: null,
      secret: null,
      command: [process.execPath, '-e', script],
    });
    await run('sync');
    api.list.put(completedTask('second', EPOCH + 1_000));
    expect(await run('sync')).toMatchObject({ code: 0, stderr: '' });
    const lines = readFileSync(join(cwd, 'told.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { type: 'task.added', data: { task: { id: 'second' } } },
    ]);
  });
});

describe('daemons with a hook', () => {
  const schedule = { schedule: '* * * * * *', fullSchedule: null };

  test('tell of changes as they come, a failure once more, and end while the hook hangs', async () => {
    const { api, receiver, cwd, env } = await setUp({ events: ['task.added'] }, schedule);
    const daemon = startProgram(['daemon'], { cwd, env });
    await daemon.line(/"run ok"/);
    api.list.put(completedTask('second', EPOCH + 1_000));
    await receiver.gets(1);
    receiver.answers(() => {});
    api.list.put(completedTask('third', EPOCH + 2_000));
    await receiver.gets(2);
    api.list.put(completedTask('fourth', EPOCH + 3_000));
    // The hook hangs, and runs go on.
    await daemon.line(/"inserted":1.*"run ok"/);
    daemon.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ code: 0 });
    expect(toldBy(receiver)).toEqual(['task.added second', 'task.added third']);
  });

  test('two of them tell each event once', async () => {
    const { api, receiver, cwd, env } = await setUp({ events: ['task.added'] }, schedule);
    const daemons = [startProgram(['daemon'], { cwd, env }), startProgram(['daemon'], { cwd, env })];
    // Either of them syncs, and the other stands by.
    await Promise.any(daemons.map((daemon) => daemon.line(/"run ok"/)));
    for (let n = 1; n <= 5; n += 1) {
      api.list.put(completedTask(`task-${n}`, EPOCH + 1_000 * n));
      await receiver.gets(n);
    }
    for (const daemon of daemons) daemon.kill('SIGTERM');
    for (const daemon of daemons) expect(await daemon.ended).toMatchObject({ code: 0 });
    expect(toldBy(receiver)).toEqual([1, 2, 3, 4, 5].map((n) => `task.added task-${n}`));
  });
});

describe('the commands about hooks', () => {
  test('show each hook, before the first run and after, and never a secret', async () => {
    const { run, api } = await setUp();
    expect(await run('hooks')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('new: it begins with the next run'),
    });
    await run('sync');
    api.list.put(completedTask('second', EPOCH + 1_000));
    await run('sync');
    const { stdout } = await run('hooks', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      hooks: [{ name: 'alerts', inSettings: true, state: 'ok', seq: 2, lag: 0, delivered: 2 }],
    });
    const text = (await run('hooks', 'list')).stdout;
    expect(text).toMatch(/^alerts {2}http:\/\/127\.0\.0\.1:\d+\/hook\n {2}state +ok, at change 2\n/);
    expect(text + stdout).not.toContain(SECRET.slice(6));
    const status = JSON.parse((await run('status', '--json')).stdout) as { hooks: unknown[] };
    expect(status.hooks).toEqual((JSON.parse(stdout) as { hooks: unknown[] }).hooks);
    expect((await run('status')).stdout).toMatch(/^Hooks\n {2}alerts +ok, at change 2\n/m);
  });

  test('send a test event, and ends with 6 if it does not arrive', async () => {
    const { run, receiver, cwd } = await setUp();
    expect(await run('hooks', 'test', 'alerts')).toMatchObject({
      code: 0,
      stdout: 'hook "alerts": the test event was delivered\n',
    });
    expect(toldBy(receiver)).toEqual(['hook.test']);
    expect(receiver.got.every(isSigned)).toBe(true);
    receiver.answers(503);
    expect(await run('hooks', 'test', 'alerts')).toMatchObject({
      code: 6,
      stdout: 'hook "alerts": the test event failed: it answered 503\n',
    });
    const json = await run('hooks', 'test', 'alerts', '--json');
    expect([json.code, JSON.parse(json.stdout)]).toEqual([
      6,
      { hook: 'alerts', ok: false, id: expect.stringMatching(/^msg_/), reason: 'answered 503' },
    ]);
    expect(existsSync(join(cwd, 'taskmirror.db'))).toBe(false);
  });

  test('refuse a name that no hook has, a secret that is not there, and a change that is not there', async () => {
    const { run, cwd, env } = await setUp();
    expect(await run('hooks', 'test', 'nobody')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no hook "nobody"[^]*Hooks: alerts\./),
    });
    const without = await runProgram(['hooks', 'test', 'alerts'], {
      cwd,
      env: { ...env, ALERTS_SECRET: '' },
    });
    expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('ALERTS_SECRET is empty') });
    await run('sync');
    expect(await run('hooks', 'replay', 'alerts', '--since', '9')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the last is 1'),
    });
  });

  test('doctor checks each hook, and sends a test event if it is asked to', async () => {
    const { run, receiver } = await setUp({ sources: ['elsewhere'] });
    const findings = async (...flags: string[]) => {
      const { stdout } = await run('doctor', '--json', ...flags);
      const all = JSON.parse(stdout) as { findings: { check: string; status: string; detail: string }[] };
      return all.findings
        .filter(({ check }) => check === 'hook alerts')
        .map(({ status, detail }) => [status, detail.replace(/:\d+/, '')]);
    };
    const settings = [
      ['ok', 'http://127.0.0.1/hook, standard, 1 event name'],
      ['warn', 'it waits for events of source "elsewhere", which the settings do not name'],
    ];
    expect(await findings()).toEqual(settings);
    expect(receiver.got).toEqual([]);
    expect(await findings('--hooks')).toEqual([...settings, ['ok', 'the test event was delivered']]);
    receiver.answers(410);
    expect(await findings('--hooks')).toEqual([
      ...settings,
      ['fail', 'the test event failed: it answered 410 (gone)'],
    ]);
  });
});
