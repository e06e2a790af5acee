import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../support/program.ts';
import { startReceiver } from '../../support/receiver.ts';
import { filesIn } from '../files.ts';
import { idsIn, isSigned, SECRET, seqsIn, type SetUp, toldBy } from './kit.ts';

/** Has a sync killed that has delivered one of three events, and waits for the answer to the second. */
async function killedWhileTold({ receiver, put, run, start }: Awaited<ReturnType<SetUp>>): Promise<void> {
  await run('sync');
  put('second', 'third', 'fourth');
  receiver.answers(200, () => {});
  const killed = start('sync');
  await receiver.gets(2);
  killed.kill('SIGKILL');
  expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
  receiver.answers(200);
}

export function sync(setUp: SetUp): void {
  describe('sync with a hook', () => {
    test('is quiet about the first backfill, and then tells what it brought, signed and in order', async () => {
      const { database, receiver, cwd, put, run } = await setUp({ events: ['task.*'] });
      expect(await run('sync')).toMatchObject({ code: 0, stderr: '' });
      expect(receiver.got).toEqual([]);
      put('second', 'third');
      expect(await run('sync')).toMatchObject({ code: 0, stderr: '' });
      expect(toldBy(receiver).toSorted()).toEqual([
        'task.added second',
        'task.added third',
        'task.completed second',
        'task.completed third',
      ]);
      expect(seqsIn(receiver)).toEqual([2, 2, 3, 3]);
      expect(receiver.got.every(isSigned)).toBe(true);
      const stored = JSON.stringify(await database.rows('select * from hooks'));
      expect(Object.values(filesIn(cwd)).join('') + stored).not.toContain(SECRET.slice(6));
      await run('sync');
      expect(receiver.got).toHaveLength(4);
    });

    test('succeeds though the hook fails, says so, and tells the rest with the next run', async () => {
      const { database, receiver, put, run } = await setUp();
      await run('sync');
      receiver.answers(500);
      put('second');
      const failed = await run('sync');
      expect(failed.code).toBe(0);
      expect(failed.stderr).toMatch(/answered 500.*a hook failed and is tried again/);
      receiver.answers(200);
      const trouble = 'select cast(attempts as int) as attempts, last_error from hooks';
      expect(await database.rows(trouble)).toEqual([{ attempts: 1, last_error: 'answered 500' }]);
      const replayed = await run('hooks', 'replay', 'alerts', '--since', '1');
      expect(replayed).toMatchObject({
        code: 0,
        stdout: 'hook "alerts": 1 event delivered of what came after change 1\n',
      });
      expect(toldBy(receiver)).toEqual(['task.added second', 'task.added second']);
      expect(new Set(idsIn(receiver)).size).toBe(1);
    });

    test('takes a redirect for a failure, waits as long as a 429 asks, and gives up what is answered with 410', async () => {
      const { database, receiver, put, run } = await setUp();
      const elsewhere = await startReceiver();
      await run('sync');
      put('second');
      receiver.answers({ status: 308, headers: { location: elsewhere.url } });
      expect((await run('sync')).stderr).toMatch(/answered 308.*a hook failed and is tried again/);
      receiver.answers({ status: 429, headers: { 'retry-after': '3600' } });
      const replayed = await run('hooks', 'replay', 'alerts', '--since', '1');
      expect(replayed.stdout).toMatch(/0 events delivered.*\n.*the rest is left to the daemon/);
      const { hooks } = JSON.parse((await run('hooks', '--json')).stdout) as {
        hooks: { lastError: string; failingSince: string; nextAttemptAt: string }[];
      };
      expect(hooks[0]).toMatchObject({ state: 'failing', lastError: 'answered 429', failed: 2, lag: 1 });
      const pauses = hooks.map((hook) => Date.parse(hook.nextAttemptAt) - Date.parse(hook.failingSince));
      expect(pauses).toEqual([3_600_000]);
      put('third');
      receiver.answers(410, 200);
      expect((await run('sync')).code).toBe(0);
      // The pause lasts.
      expect(receiver.got).toHaveLength(2);
      expect((await run('hooks', 'replay', 'alerts', '--since', '1')).stderr).toMatch(
        /answered 410 \(gone\).*an event was given up/,
      );
      expect(seqsIn(receiver)).toEqual([2, 2, 2, 3]);
      expect(elsewhere.got).toEqual([]);
      const kept = 'select hook, type, cast(seq as int) as seq, task_id, reason from hook_failures';
      expect(await database.rows(kept)).toEqual([
        { hook: 'alerts', type: 'task.added', seq: 2, task_id: 'second', reason: 'answered 410 (gone)' },
      ]);
    });

    test('that is killed between the receipt of an event and its answer sends it again, with the same id', async () => {
      const hooked = await setUp();
      await killedWhileTold(hooked);
      const { receiver, run } = hooked;
      expect(await run('sync')).toMatchObject({ code: 0, stderr: '' });
      const ids = idsIn(receiver);
      expect(ids).toHaveLength(4);
      expect(ids[2]).toBe(ids[1]);
      expect(seqsIn(receiver)).toEqual([2, 3, 3, 4]);
    });

    test('tells of a source that fails, and of its recovery', async () => {
      const { receiver, env, cwd, put, run } = await setUp({ events: ['source.*'] });
      await run('sync');
      const refused = { ...env, SIGMIC_API_KEY: 'sigmic_refused' };
      expect(await runProgram(['sync'], { cwd, env: refused })).toMatchObject({ code: 4 });
      expect(await runProgram(['sync'], { cwd, env: refused })).toMatchObject({ code: 4 });
      put('second');
      await run('sync');
      expect(toldBy(receiver)).toEqual(['source.failed', 'source.recovered']);
    });

    test('does nothing to hooks if it is dry', async () => {
      const { database, receiver, put, run } = await setUp();
      await run('sync');
      put('second');
      await run('sync', '--dry-run');
      expect(receiver.got).toEqual([]);
      expect(await database.rows('select cast(seq as int) as seq from hooks')).toEqual([{ seq: 1 }]);
    });

    test('runs a command for each event', async () => {
      const script = `let text = ''; process.stdin.on('data', (d) => (text += d)).on('end', () =>
        require('node:fs').appendFileSync('told.jsonl', text))`;
      const command = [process.execPath, '-e', script];
      const { cwd, put, run } = await setUp({ url: null, secret: null, command });
      await run('sync');
      put('second');
      expect(await run('sync')).toMatchObject({ code: 0, stderr: '' });
      const lines = readFileSync(join(cwd, 'told.jsonl'), 'utf8').trim().split('\n');
      expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
        { type: 'task.added', data: { task: { id: 'second' } } },
      ]);
    });

    test('tells a mirror’s hooks the rest when it was copied, with the same ids', async () => {
      const hooked = await setUp();
      await killedWhileTold(hooked);
      const { database, receiver, run } = hooked;
      const copied = await run('copy', '--from', database.setting, '--to', 'copy.db');
      expect(copied).toMatchObject({ code: 0, stdout: expect.stringMatching(/^hooks +1 /m) });
      expect(await run('sync', '--db', 'copy.db')).toMatchObject({ code: 0, stderr: '' });
      expect(seqsIn(receiver)).toEqual([2, 3, 3, 4]);
      expect(new Set(idsIn(receiver)).size).toBe(3);
    });
  });
}
