import { expect, test } from 'vitest';
import { createHistory } from './history.ts';
import { loadPlanted, type Planted } from './plant.ts';
import { PLANTED } from './planted.ts';
import { createBench, simulate } from './simulate.ts';

/** Every planted fault has to show within this many seeds. */
const SEEDS = 200;
const TIMEOUT_MS = 120_000;

/** Returns the first seed whose history shows the fault, and how; null if none does. */
async function find(planted: Planted): Promise<string | null> {
  const core = await loadPlanted(planted);
  const bench = await createBench(core);
  try {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violation } = await simulate(createHistory(seed), bench);
      if (violation !== null) return `seed ${seed}, invariant ${violation.invariant}`;
    }
    return null;
  } finally {
    await bench.close();
    core.remove();
  }
}

test.each(PLANTED)(
  'the simulator finds a planted fault: $name',
  async (planted) => {
    const found = await find(planted);
    console.log(`${planted.name}: ${found ?? 'not found'}`);
    expect(found).not.toBeNull();
  },
  TIMEOUT_MS,
);
