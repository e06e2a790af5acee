import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAULTS, MOVES } from './decisions.ts';
import { FAILED } from './seeds.ts';
import { type createBench, simulate } from './simulate.ts';
import { createWorkbench, examine } from './examine.ts';
import { Tally } from './tally.ts';

/** How often each thing has to happen at least; otherwise the checks have nothing to check. */
const EXPECTED: readonly { group: string; names: readonly string[]; least: number }[] = [
  { group: 'moves', names: MOVES, least: 50 },
  { group: 'faults', names: FAULTS, least: 10 },
  { group: 'runs', names: ['plain', 'full', 'dry', 'dry-full'], least: 10 },
  { group: 'processes', names: ['crashed', 'ousted', 'rival refused'], least: 10 },
  { group: 'outcomes', names: ['ok clean', 'ok repaired', 'partial clean', 'partial unproven'], least: 10 },
  { group: 'outcomes', names: ['failed', 'interrupted'], least: 10 },
  { group: 'checks', names: ['exact copies'], least: 300 },
  { group: 'checks', names: ['handed over'], least: 10 },
];

/** For machines that are busy with other tests. */
const TIMEOUT_MS = 600_000;

let bench: Awaited<ReturnType<typeof createBench>>;
beforeAll(async () => {
  bench = await createWorkbench();
});
afterAll(() => bench.close());

describe('through histories of a moving list, faults and crashes', () => {
  const tally = new Tally();

  test.each([1, 101, 201])(
    'from seed %i on no row is lost, and none is made up, in 100 of them',
    async (first) => {
      const { failures, groups } = await examine(bench, { first, seeds: 100 });
      tally.merge(groups);
      expect(failures).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test('everything that may happen has happened, and what the design excuses stayed rare', () => {
    const rare = EXPECTED.flatMap(({ group, names, least }) =>
      names.filter((name) => tally.of(group, name) < least).map((name) => `${group}: ${name}`),
    );
    expect(rare).toEqual([]);
    const excused = Object.values(tally.groups['excuses'] ?? {}).reduce((sum, count) => sum + count, 0);
    expect(excused).toBeLessThan(tally.of('checks', 'rows') / 100);
  });
});

test.each(FAILED)('a history that failed once holds now: $what', async ({ history }) => {
  expect((await simulate(history, bench)).violation).toBeNull();
});
