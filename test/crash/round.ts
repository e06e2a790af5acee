import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { EXIT } from '../../src/cli/exit.ts';
import { inMirrorOrder, mirroredTasks, readRows } from '../support/mirror.ts';
import { layOut, mirrorIn, runInProcess, type Scenario, serveTasks } from './scenario.ts';
import type { SmallDisk } from './small-disk.ts';
import { inspect, type Sight } from './sight.ts';
import { type Attack, type Ended, startVictim } from './victim.ts';

/** What came of one attack. */
export interface Struck extends Ended {
  pid: number;
  /** `crashed`: it died of the attack; `failed`: it could not write, and said so; `survived`: it was never hit. */
  fate: 'crashed' | 'failed' | 'survived';
  /** What it left behind, before any other run. */
  sight: Sight;
}

/** What a run that a crash cut off leaves in its record, once the next run has found it. */
const CUT_OFF = 'the process ended during this run';

/**
 * One round: a fresh copy of the scenario's mirror in `place` (an empty folder, or a small disk where the space is to run
 * out), one run of the program for each attack on it, and in the end a run that is left in peace. Checks after each attack
 * what must be true at every moment (see {@link inspect}), and in the end that the lease was taken over, that the mirror is
 * exact, and that the run records tell what happened. Throws AssertionError.
 */
export async function playRound(
  scenario: Scenario,
  attacks: readonly Attack[],
  place: { folder: string } | SmallDisk,
): Promise<Struck[]> {
  const { folder } = place;
  layOut(scenario, folder);
  const struck: Struck[] = [];
  for (const attack of attacks) {
    if ('leaveFree' in place) place.leaveFree(attack.kind === 'space' ? attack.kilobytes : null);
    struck.push(await strike(scenario, attack, folder));
  }
  const dead = struck.map(({ pid }) => pid);
  for (const { sight } of struck) ok(sight.holder === null || dead.includes(sight.holder));
  if ('leaveFree' in place) place.leaveFree(null);
  await goOn(scenario, folder, struck.at(-1)?.sight.runs ?? []);
  return struck;
}

async function strike(scenario: Scenario, attack: Attack, folder: string): Promise<Struck> {
  await using api = await serveTasks(scenario.tasks, (request) => {
    if (attack.kind !== 'request' || request !== attack.number) return;
    afterTurns(attack.turns, () => victim.kill());
  });
  const env = { ...api.env, TASKMIRROR_SYNC_PAGE_SIZE: String(scenario.pageSize) };
  const victim = startVictim(scenario.args, { cwd: folder, env, attack });
  const ended = await victim.ended;
  const fate = fateOf(ended, attack);
  const sight = inspect(folder, scenario);
  if (fate === 'failed') checkComplaint(ended, mirrorIn(folder), attack);
  if (fate === 'survived') checkExact(folder, scenario, sight);
  return { ...ended, pid: victim.pid, fate, sight };
}

function fateOf({ code, signal, stderr }: Ended, { kind }: Attack): Struck['fate'] {
  if (code === EXIT.done) return 'survived';
  if (kind === 'limit' || kind === 'space') {
    deepEqual([code, signal], [EXIT.database, null], stderr);
    return 'failed';
  }
  deepEqual([code, signal], [null, kind === 'torn' ? 'SIGXFSZ' : 'SIGKILL'], stderr);
  return 'crashed';
}

/** The message names the file and what happened to the disk; the line below it says what to do. */
function checkComplaint({ stderr }: Ended, file: string, { kind }: Attack): void {
  const lines = stderr.split('\n');
  const [what = '', hint = ''] = lines.slice(lines.findIndex((line) => line.startsWith('taskmirror: ')));
  ok(what.includes(file), stderr);
  if (what.includes('the disk is full')) match(hint, /^ {2}Free some space/);
  else match(hint, /^ {2}Check whether a quota or a limit on file sizes/);
  // Of a limit SQLite knows no more than that a write failed.
  if (kind === 'space') match(what, /the disk is full/);
}

/** The next run: the lease of the dead is no hindrance, and what they left undone is made good. */
async function goOn(scenario: Scenario, folder: string, runsBefore: Sight['runs']): Promise<void> {
  await using api = await serveTasks(scenario.tasks);
  const full = scenario.args.includes('--full');
  const report = await runInProcess(folder, { url: api.url, pageSize: scenario.pageSize, full });
  deepEqual([report.outcome, report.error, report.gaps], ['ok', null, 0]);
  checkExact(folder, scenario, inspect(folder, scenario));
  const runs = readRows<{ outcome: string; error: string | null }>(
    mirrorIn(folder),
    'select outcome, error from sync_runs order by id',
  );
  deepEqual(
    runs.map(({ outcome }) => outcome),
    [...runsBefore.map((outcome) => outcome ?? 'interrupted'), 'ok'],
  );
  for (const [i, outcome] of runsBefore.entries()) if (outcome === null) equal(runs[i]?.error, CUT_OFF);
}

function checkExact(folder: string, scenario: Scenario, { holder }: Sight): void {
  equal(holder, null, 'the lease was not given back');
  const mirrored = mirroredTasks(mirrorIn(folder));
  const expected = inMirrorOrder(scenario.tasks);
  if (isDeepStrictEqual(mirrored, expected)) return;
  // Both lists whole would bury the one row that differs.
  const first = expected.findIndex((task, i) => !isDeepStrictEqual(task, mirrored[i]));
  deepEqual(mirrored[first], expected[first], `the mirror is not exact from row ${first} on`);
  equal(mirrored.length, expected.length);
}

function afterTurns(turns: number, work: () => void): void {
  if (turns === 0) work();
  else setImmediate(() => afterTurns(turns - 1, work));
}
