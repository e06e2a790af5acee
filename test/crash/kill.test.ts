import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createRandom } from '../../src/source/simulated/random.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { playRound } from './round.ts';
import { prepareScenario, type Scenario, type ScenarioName } from './scenario.ts';
import { statesOf, sweep } from './sweep.ts';
import { type Attack, CAN_LIMIT_FILES } from './victim.ts';

/**
 * Invariant: at whatever moment the program dies, the file is sound, its ledger promises nothing that is not there, and no
 * task that is alive is marked removed; and the next run, without waiting for anybody, makes the mirror exact.
 */
// Many starts of the program, on machines that are busy with other tests.
vi.setConfig({ testTimeout: 120_000 });

/** More steps than any of these runs takes. */
const STEPS = 120;

test('a backfill that is killed before and after each of its commits', async () => {
  const { scenario, folder } = await prepare('backfill', 90);
  const struck = await sweep(scenario, steps('commit', ['before', 'after']), folder);
  expect(statesOf(struck)).toEqual([
    'nothing',
    '0 rows, 0 removed, no run',
    '0 rows, 0 removed, run open, leased',
    '50 rows, 0 removed, run open, leased',
    '90 rows, 0 removed, run open, leased',
    '90 rows, 0 removed, run ok, leased',
    '90 rows, 0 removed, run ok',
  ]);
});

test('a full run that is killed before each commit from the closing walk on: between walk and removal, too', async () => {
  const { scenario, folder } = await prepare('full', 90);
  const live = scenario.tasks.length;
  const gone = scenario.versions.size - live;
  expect(gone).toBeGreaterThan(0);
  // Up to there its steps are those of a backfill.
  const struck = await sweep(scenario, steps('commit', ['before']).slice(6), folder);
  expect(statesOf(struck).slice(-3)).toEqual([
    `${live + gone} rows, 0 removed, run open, leased`,
    `${live} rows, ${gone} removed, run open, leased`,
    `${live} rows, ${gone} removed, run ok`,
  ]);
});

test('a migration that is killed between its statements leaves no part of the schema', async () => {
  const { scenario, folder } = await prepare('backfill', 60);
  const some = steps('schema', ['before']).filter((_, i) => i % 6 === 0);
  const struck = await sweep(scenario, some, folder);
  expect(struck.length).toBeGreaterThan(2);
  expect(statesOf(struck)).toEqual(['nothing']);
});

test.skipIf(!CAN_LIMIT_FILES)('a run that dies inside a write, with half of a page on the disk', async () => {
  const { scenario, folder } = await prepare('incremental', 130);
  const random = createRandom(3);
  const sizes = [1, 80, 160, 240, 320, 2_000].map((blocks) => blocks + random.int(0, 40));
  const struck = await sweep(
    scenario,
    sizes.map((blocks): Attack => ({ kind: 'torn', blocks })),
    folder,
  );
  expect(struck.length).toBeGreaterThan(3);
});

test('a backfill that is killed three times at random, each time by another request', async () => {
  const { scenario, folder } = await prepare('backfill', 600);
  const random = createRandom(4);
  const attacks = Array.from({ length: 3 }, (): Attack => ({
    kind: 'request',
    number: random.int(2, 4),
    turns: random.int(0, 20),
  }));
  const struck = await playRound(scenario, attacks, { folder: mkdtempSync(join(folder, 'round-')) });
  expect(struck.map(({ fate }) => fate)).toEqual(['crashed', 'crashed', 'crashed']);
});

async function prepare(name: ScenarioName, count: number): Promise<{ scenario: Scenario; folder: string }> {
  const folder = temporaryFolder();
  const scenario = await prepareScenario(name, { folder, count, events: 40, pageSize: 50, seed: 1 });
  return { scenario, folder };
}

function steps(kind: 'commit' | 'schema', phases: readonly ('before' | 'after')[]): Attack[] {
  return Array.from({ length: STEPS }, (_, i) => i + 1).flatMap((nth) =>
    phases.map((phase): Attack => ({ kind: 'step', at: `${kind} ${nth} ${phase}` })),
  );
}
