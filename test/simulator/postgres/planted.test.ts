import { expect, test } from 'vitest';
import { describeWithServer, targetOf, temporarySchema } from '../../support/postgres/server.ts';
import { createHistory } from '../history.ts';
import type { Planted } from '../plant.ts';
import { createBench, simulate } from '../simulate.ts';
import { loadPlanted, PLANTED } from './planted.ts';

/** Every planted fault has to show within this many seeds. */
const SEEDS = 100;
/** For machines that are busy with other tests. */
const TIMEOUT_MS = 600_000;

/** Returns the first seed whose history shows the fault, and how; null if none does. */
async function find(planted: Planted): Promise<string | null> {
  const { url, schema } = temporarySchema();
  const core = await loadPlanted(planted, targetOf(url, { schema }));
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

describeWithServer('the simulator finds a fault planted in the store', () => {
  test.each(PLANTED)(
    '$name',
    async (planted) => {
      const found = await find(planted);
      console.log(`${planted.name}: ${found ?? 'not found'}`);
      expect(found).not.toBeNull();
    },
    TIMEOUT_MS,
  );
});
