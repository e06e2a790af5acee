import { expect, test } from 'vitest';
import { find, loadPlanted } from './plant.ts';
import { PLANTED } from './planted.ts';

/** Every planted fault has to show within this many seeds. */
const SEEDS = 200;
const TIMEOUT_MS = 120_000;

test.each(PLANTED)(
  'the simulator finds a planted fault: $name',
  async (planted) => {
    const found = await find(await loadPlanted(planted), planted, SEEDS);
    console.log(`${planted.name}: ${found ?? 'not found'}`);
    expect(found).not.toBeNull();
  },
  TIMEOUT_MS,
);
