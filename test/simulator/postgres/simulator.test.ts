import { expect, test } from 'vitest';
import { describeWithServer, targetOf, temporarySchema } from '../../support/postgres/server.ts';
import { examine } from '../examine.ts';
import { Tally } from '../tally.ts';
import { createPostgresWorkbench } from './workbench.ts';

/** Each in a schema of its own, so that they may run at the same time. */
const FIRST_SEEDS = [1, 51];
const SEEDS = 50;
/** For machines that are busy with other tests. */
const TIMEOUT_MS = 600_000;

async function examineInSchema(first: number): ReturnType<typeof examine> {
  const { url, schema } = temporarySchema();
  const bench = await createPostgresWorkbench(targetOf(url, { schema }));
  try {
    return await examine(bench, { first, seeds: SEEDS });
  } finally {
    await bench.close();
  }
}

describeWithServer('through histories of a moving list, faults and crashes', () => {
  test(
    'no row is lost in PostgreSQL, and none is made up',
    async () => {
      const examined = await Promise.all(FIRST_SEEDS.map(examineInSchema));
      const tally = new Tally();
      for (const { failures, groups } of examined) {
        expect(failures).toEqual([]);
        tally.merge(groups);
      }
      for (const what of ['crashed', 'ousted', 'rival refused']) {
        expect(tally.of('processes', what)).toBeGreaterThan(0);
      }
      expect(tally.of('failures', 'DatabaseError')).toBeGreaterThan(50);
      expect(tally.of('checks', 'exact copies')).toBeGreaterThan(50);
      expect(tally.of('checks', 'handed over')).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
