/**
 * Kills and starves the built program at random places, round after round, and checks what must always hold
 * (test/crash/round.ts). `npm test` plays a few chosen rounds of the same kind.
 *
 *     node scripts/crash-hunt.ts --rounds 200 [--seed S]
 *
 * Round i has the seed S + i. Kills by request hit a moment that differs from run to run, so a failure may
 * need several replays.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom, type Random } from '../src/source/simulated/random.ts';
import { newRowsPerPage } from '../src/sync/reading.ts';
import { playRound, type Struck } from '../test/crash/round.ts';
import { mirrorIn, prepareScenario, type Scenario, SCENARIOS } from '../test/crash/scenario.ts';
import { mountSmallDisk } from '../test/crash/small-disk.ts';
import { type Attack, CAN_LIMIT_FILES } from '../test/crash/victim.ts';
import { build } from './build.ts';

interface Hunt {
  rounds: number;
  seed: number;
  /** An empty folder that stays until the end. */
  folder: string;
  canMount: boolean;
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
const folder = mkdtempSync(join(tmpdir(), 'taskmirror-hunt-'));
try {
  const rounds = wholeNumber('rounds', values.rounds);
  const seed = wholeNumber('seed', values.seed);
  await build();
  const failures = await hunt({ rounds, seed, folder, canMount: probeMount() });
  if (failures > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Plays the rounds, as many at once as there are cores; returns how many failed. */
async function hunt({ rounds, seed: firstSeed, folder: parent, canMount }: Hunt): Promise<number> {
  if (!canMount) console.log('no small disk can be mounted here: full disks are left out, limits are not');
  const began = performance.now();
  const fates: Record<Struck['fate'], number> = { crashed: 0, failed: 0, survived: 0 };
  let [next, done, failures] = [firstSeed, 0, 0];
  const stop = new AbortController();
  // The rounds under way end first: they have disks to unmount.
  process.once('SIGINT', () => stop.abort());

  const play = async (): Promise<void> => {
    while (!stop.signal.aborted && next < firstSeed + rounds) {
      const seed = next++;
      try {
        const struck = await playSeed(seed, join(parent, String(seed)), { canMount, tells: rounds === 1 });
        for (const { fate } of struck) fates[fate] += 1;
      } catch (error) {
        failures += 1;
        console.log(error);
        console.log(`FAILED; to replay: node scripts/crash-hunt.ts --rounds 1 --seed ${seed}`);
      }
      done += 1;
      if (done % 20 === 0) console.log(`${done} of ${rounds} rounds, ${failures} failed`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, play));
  const seconds = Math.round((performance.now() - began) / 1_000);
  const { crashed, failed, survived } = fates;
  console.log(
    `${done} rounds in ${seconds} s: ${crashed} crashes, ${failed} failed writes, ${survived} runs not hit; ${failures} rounds failed`,
  );
  return failures;
}

async function playSeed(
  seed: number,
  place: string,
  { canMount, tells }: { canMount: boolean; tells: boolean },
): Promise<Struck[]> {
  const random = createRandom(seed);
  const name = random.pick(SCENARIOS);
  const pageSize = random.pick([10, 50, 100]);
  // Every eighth round is large enough for SQLite to restart its WAL in the middle of the run.
  const count = random.chance(0.125) ? random.int(1_500, 2_500) : random.int(30, 500);
  mkdirSync(place);
  try {
    const scenario = await prepareScenario(name, {
      folder: place,
      count,
      events: random.int(5, 80),
      pageSize,
      seed,
    });
    const attacks = Array.from({ length: random.int(1, 3) }, () =>
      chooseAttack(scenario, random, { canMount }),
    );
    if (tells) console.log(`${name}, ${count} tasks, pages of ${pageSize}`, attacks);
    using disk = attacks.some(({ kind }) => kind === 'space') ? mountSmallDisk() : null;
    return await playRound(scenario, attacks, disk ?? { folder: join(place, 'mirror') });
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function chooseAttack(scenario: Scenario, random: Random, { canMount }: { canMount: boolean }): Attack {
  const pages = Math.ceil(scenario.tasks.length / newRowsPerPage(scenario.pageSize));
  const [commits, requests] = scenario.name === 'incremental' ? [10, 2] : [pages + 10, pages];
  const phase = random.pick(['before', 'after']);
  const blocks = chooseKilobytes(scenario, random) * 2 + random.int(0, 1);
  const choices: Attack[] = [
    { kind: 'step', at: `commit ${random.int(1, commits)} ${phase}` },
    { kind: 'step', at: `row ${random.int(1, 100)} ${phase}` },
    { kind: 'request', number: random.int(1, requests), turns: random.int(0, 60) },
  ];
  if (scenario.template === null) {
    choices.push({ kind: 'step', at: `schema ${random.int(1, 20)} ${phase}` });
  }
  if (CAN_LIMIT_FILES) choices.push({ kind: 'torn', blocks }, { kind: 'limit', blocks });
  if (canMount) choices.push({ kind: 'space', kilobytes: 4 * random.int(1, 80) });
  return random.pick(choices);
}

/** Chooses a size that a file of this run passes: the WAL, or the database once the WAL is copied into it. */
function chooseKilobytes({ template, tasks }: Scenario, random: Random): number {
  if (template === null) return random.int(1, 130 + Math.round(tasks.length * 1.4));
  return random.chance(0.7)
    ? random.int(1, 200)
    : Math.round(statSync(mirrorIn(template)).size / 1_024) + random.int(0, 60);
}

function probeMount(): boolean {
  using disk = mountSmallDisk();
  return disk !== null;
}

function wholeNumber(flag: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new Error(`--${flag} takes a whole number, not ${text}`);
  return number;
}
