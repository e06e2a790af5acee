import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import type { ApiTask } from '../../src/source/simulated/list.ts';
import { inMirrorOrder, mirroredTasks, readRows, temporaryFolder } from '../support/mirror.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { holdList, serveTasks, teamTasks } from './api.ts';

/**
 * Invariant: at whatever moment the program is killed, the file is sound, and everything that its ledger counts as
 * covered (at or below the watermark, and in no gap) is there as the API has it.
 */
test.each([
  { concurrency: 1, most: 1.2 },
  // Each kill throws away what is under way, too.
  { concurrency: 4, most: 1.5 },
])(
  'a backfill of 12,000 tasks that is killed eight times ends exact: $concurrency requests at once, at most $most a page',
  async ({ concurrency, most }) => {
    const api = await serveTasks(teamTasks(12_000));
    const cwd = temporaryFolder();
    const env = { ...api.env, TASKMIRROR_SYNC_CONCURRENCY: String(concurrency) };
    const file = join(cwd, 'taskmirror.db');
    const all = inMirrorOrder(api.list.all());

    let covered = 0;
    for (const [nth, requests] of [3, 17, 1, 22, 9, 14, 5, 19].entries()) {
      const last = api.stats.list + requests;
      const program = startProgram(['sync'], { cwd, env });
      const kill = (): void => program.kill('SIGKILL');
      api.beforeList = (number) => {
        if (number !== last) return;
        // Half of the kills come while the request is in flight, half while its answer is taken in.
        if (nth % 2 === 0) kill();
        else setImmediate(kill);
      };
      expect((await program.ended).signal).toBe('SIGKILL');
      const coveredNow = checkCoverage(file, all);
      expect(coveredNow).toBeGreaterThanOrEqual(covered);
      covered = coveredNow;
    }
    expect(covered).toBeGreaterThan(5_000);

    expect((await runProgram(['sync'], { cwd, env })).code).toBe(0);
    expect(checkCoverage(file, all)).toBe(12_000);
    expect(mirroredTasks(file)).toEqual(all);
    expect(api.stats.list / 120).toBeLessThanOrEqual(most);
  },
);

test('the lease of a process that was killed is taken over at once', async () => {
  const api = await serveTasks(teamTasks(500));
  const cwd = temporaryFolder();
  const file = join(cwd, 'taskmirror.db');
  const held = holdList(api, 3);
  const first = startProgram(['sync'], { cwd, env: api.env });
  await held.arrived;
  first.kill('SIGKILL');
  await first.ended;
  expect(readRows(file, 'select pid from leases')).toEqual([{ pid: first.pid }]);

  held.release();
  expect(await runProgram(['sync'], { cwd, env: api.env })).toMatchObject({ code: 0, stderr: '' });
  expect(mirroredTasks(file)).toEqual(inMirrorOrder(api.list.all()));
  expect(readRows(file, 'select outcome, error from sync_runs order by id')).toEqual([
    { outcome: 'interrupted', error: 'the process ended during this run' },
    { outcome: 'ok', error: null },
  ]);
  expect(readRows(file, 'select * from leases')).toEqual([]);
});

/** Holds the file against the invariant; returns how many of the tasks are covered. */
function checkCoverage(file: string, all: readonly ApiTask[]): number {
  expect(readRows(file, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  const [source] = readRows<{ watermark: string | null }>(file, 'select watermark from sources');
  const watermark = source?.watermark ?? '';
  const gaps = readRows<{ lower: string | null; upper: string }>(file, 'select lower, upper from gaps');
  const covered = all.filter(
    ({ lastActivityAt: at }) =>
      at <= watermark && !gaps.some(({ lower, upper }) => (lower === null || at > lower) && at <= upper),
  );
  const mirrored = new Map(mirroredTasks(file).map((task) => [task.id, task]));
  expect(covered.filter((task) => !isDeepStrictEqual(mirrored.get(task.id), task))).toEqual([]);
  return covered.length;
}
