import { expect, onTestFinished, test } from 'vitest';
import { LeaseHeldError } from '../../src/model/errors.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { syncBench } from '../support/sync.ts';
import { EPOCH, tasksApart } from '../support/tasks.ts';

test('a run whose source another process took over ends without a warning, and its record stays as that one left it', async () => {
  const bench = await syncBench();
  const clock = createFakeClock(EPOCH + 2 * 3_600_000);
  const other = await openMirrorStore(bench.file, { create: false, clock, omit: new Set() });
  onTestFinished(() => other.close());
  const result = await bench.sync(new SimulatedList(tasksApart(300, 1_000)), {
    async beforeList({ count }) {
      if (count === 2) await other.claim({ name: 'default', baseUrl: 'https://api.example' });
    },
  });
  expect(result.failure).toBeInstanceOf(LeaseHeldError);
  const lines = bench.log.lines.filter(({ level }) => level !== 'debug');
  expect(lines).toMatchObject([{ level: 'info', message: expect.stringContaining('took it over') }]);
  expect((await other.recentRuns(10)).map(({ outcome }) => outcome)).toEqual([null, 'interrupted']);
});

test('a source whose last runs leave nothing to do is not run, and that is no failure', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(3, 1_000));
  const { run } = await bench.sync(list, { full: true });
  const result = await bench.sync(list, { isDone: ({ full }) => full?.id === run });
  expect(result).toMatchObject({ exitCode: 0, run: null, failure: null, passedOver: { full: { id: run } } });
  expect(result.source.lists).toEqual([]);
});
