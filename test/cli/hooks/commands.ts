import { describe, expect, test } from 'vitest';
import { runProgram } from '../../support/program.ts';
import { isSigned, SECRET, type SetUp, toldBy } from './kit.ts';

export function commands(setUp: SetUp): void {
  describe('the commands about hooks', () => {
    test('show each hook, before the first run and after, and never a secret', async () => {
      const { run, put } = await setUp();
      expect(await run('hooks')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('new: it begins with the next run'),
      });
      await run('sync');
      put('second');
      await run('sync');
      const { stdout } = await run('hooks', '--json');
      expect(JSON.parse(stdout)).toMatchObject({
        hooks: [{ name: 'alerts', inSettings: true, state: 'ok', seq: 2, lag: 0, delivered: 1 }],
      });
      const text = (await run('hooks', 'list')).stdout;
      expect(text).toMatch(/^alerts {2}http:\/\/127\.0\.0\.1:\d+\/hook\n {2}state +ok, at change 2\n/);
      expect(text + stdout).not.toContain(SECRET.slice(6));
      const status = JSON.parse((await run('status', '--json')).stdout) as { hooks: unknown[] };
      expect(status.hooks).toEqual((JSON.parse(stdout) as { hooks: unknown[] }).hooks);
      expect((await run('status')).stdout).toMatch(/^Hooks\n {2}alerts +ok, at change 2\n/m);
    });

    test('send a test event, which needs no mirror, and end with 6 if it does not arrive', async () => {
      const { run, receiver } = await setUp();
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
      expect(await run('status')).toMatchObject({
        code: 10,
        stderr: expect.stringMatching(/no mirror|not exist/),
      });
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
      const { run, receiver } = await setUp({ events: ['task.*'], sources: ['elsewhere'] });
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
}
