import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../support/mirror.ts';
import { playRound, type Struck } from './round.ts';
import { prepareScenario } from './scenario.ts';
import { mountSmallDisk } from './small-disk.ts';
import { statesOf, sweep } from './sweep.ts';
import { type Attack, CAN_LIMIT_FILES } from './victim.ts';

// Many starts of the program, on machines that are busy with other tests.
vi.setConfig({ testTimeout: 120_000 });

/**
 * Invariant: where the disk takes no more, the program says so (exit 10, which file, what to do), and what it had
 * committed stays; exit 0 means that the mirror is exact. Once there is room, the next run goes on and makes it so.
 */
test.skipIf(!CAN_LIMIT_FILES)(
  'a backfill whose files may not grow, at every size up to the last',
  async () => {
    const folder = temporaryFolder();
    const scenario = await prepareScenario('backfill', {
      folder,
      count: 90,
      events: 0,
      pageSize: 50,
      seed: 1,
    });
    const sizes = Array.from({ length: 40 }, (_, i) => 10 + i * 80);
    const struck = await sweep(
      scenario,
      sizes.map((blocks): Attack => ({ kind: 'limit', blocks })),
      folder,
    );
    const rows = new Set(struck.map(({ sight }) => sight.rows));
    expect([...rows].slice(0, 2)).toEqual([0, 50]);
    expect(statesOf(struck)[0]).toBe('nothing');
  },
);

test('a full run on a disk that fills up, at every size up to the last', async ({ skip }) => {
  const folder = temporaryFolder();
  const scenario = await prepareScenario('full', { folder, count: 90, events: 40, pageSize: 50, seed: 1 });
  const failed: Struck[] = [];
  for (let kilobytes = 4; kilobytes < 4_000; kilobytes += 16) {
    using disk = mountSmallDisk() ?? skip('no small disk can be mounted here (it takes root on Linux)');
    const [struck] = await playRound(scenario, [{ kind: 'space', kilobytes }], disk);
    if (struck?.fate !== 'failed') break;
    failed.push(struck);
  }
  expect(statesOf(failed)[0]).toBe('90 rows, 0 removed, run ok');
  expect(statesOf(failed).length).toBeGreaterThan(2);
});
