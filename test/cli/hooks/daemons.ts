import { describe, expect, test } from 'vitest';
import { type Program, runProgram } from '../../support/program.ts';
import { idsIn, seqsIn, type Setup, type SetUp, toldBy } from './kit.ts';

const SCHEDULE = { schedule: '* * * * * *', fullSchedule: null };

/** Daemons on one mirror, which is made: one of them syncs, and the others stand by. */
async function daemonsOn({ run, start }: Setup, count: number): Promise<Program[]> {
  expect(await run('sync')).toMatchObject({ code: 0 });
  const running = Array.from({ length: count }, () => start('daemon'));
  for (const daemon of running) await daemon.line(/daemon started/);
  return running;
}

async function stop(running: readonly Program[]): Promise<void> {
  for (const daemon of running) daemon.kill('SIGTERM');
  for (const { ended } of running) {
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr.split('\n').filter((line) => /"level":"(?:warn|error)"/.test(line))).toEqual([]);
  }
}

export function daemons(setUp: SetUp): void {
  describe('daemons with a hook', () => {
    test('tell of changes as they come, a failure once more, and end while the hook hangs', async () => {
      const { receiver, put, start } = await setUp({}, SCHEDULE);
      const daemon = start('daemon');
      await daemon.line(/"run ok"/);
      put('second');
      await receiver.gets(1);
      receiver.answers(() => {});
      put('third');
      await receiver.gets(2);
      put('fourth');
      // The hook hangs, and runs go on.
      await daemon.line(/"inserted":1.*"run ok"/);
      daemon.kill('SIGTERM');
      expect(await daemon.ended).toMatchObject({ code: 0 });
      expect(toldBy(receiver)).toEqual(['task.added second', 'task.added third']);
    });

    test('tell each event once, in order, if there are three of them', async () => {
      const setup = await setUp({ events: ['task.*'] }, SCHEDULE);
      const { receiver, put } = setup;
      const running = await daemonsOn(setup, 3);
      for (let n = 1; n <= 3; n += 1) {
        put(`one-${n}`, `other-${n}`);
        await receiver.gets(4 * n);
      }
      await stop(running);
      expect(seqsIn(receiver)).toEqual([2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
      expect(new Set(idsIn(receiver)).size).toBe(12);
    });

    test('of which the one that delivers is killed: another delivers the rest, the event under way with the same id', async () => {
      const setup = await setUp({}, SCHEDULE);
      const { cwd, database, env, receiver, put } = setup;
      const running = await daemonsOn(setup, 2);
      receiver.answers(200, () => {});
      put('second', 'third', 'fourth', 'fifth');
      await receiver.gets(2);
      const [holder] = await database.rows<{ pid: number }>('select cast(pid as int) as pid from hooks');
      const killed = running.find(({ pid }) => pid === holder?.pid);
      killed?.kill('SIGKILL');
      expect(await killed?.ended).toMatchObject({ signal: 'SIGKILL' });
      receiver.answers(200);
      put('sixth');
      // If the one that synced is dead, the other would look for its source only after some seconds.
      await runProgram(['sync'], { cwd, env: { ...env, TASKMIRROR_HOOKS: '[]' } });
      await receiver.gets(6);
      await stop(running.filter((daemon) => daemon !== killed));
      expect(seqsIn(receiver)).toEqual([2, 3, 3, 4, 5, 6]);
      const ids = idsIn(receiver);
      expect(ids[2]).toBe(ids[1]);
      expect(new Set(ids).size).toBe(5);
    });
  });
}
