import { expect, test } from 'vitest';
import { describeWithServer, targetOf, temporarySchema } from '../../support/postgres/server.ts';
import { find } from '../plant.ts';
import { loadPlanted, PLANTED } from './planted.ts';

/** Every planted fault has to show within this many seeds. */
const SEEDS = 100;
/** For machines that are busy with other tests. */
const TIMEOUT_MS = 600_000;

describeWithServer('the simulator finds a fault planted in the store', () => {
  test.each(PLANTED)(
    '$name',
    async (planted) => {
      const { url, schema } = temporarySchema();
      const core = await loadPlanted(planted, targetOf(url, { schema }));
      const found = await find(core, planted, SEEDS);
      console.log(`${planted.name}: ${found ?? 'not found'}`);
      expect(found).not.toBeNull();
    },
    TIMEOUT_MS,
  );
});
