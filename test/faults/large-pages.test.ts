import { expect, test } from 'vitest';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { memorySource } from '../support/memory-source.ts';
import { pageFailed } from '../support/errors.ts';
import { verifySource } from '../../src/sync/verify.ts';
import { apiError } from '../source/http/loopback.ts';
import { differences } from '../failures/situation.ts';
import { syncBench } from '../support/sync.ts';
import { completedTask, EPOCH, tasksApart } from '../support/tasks.ts';
import { serveList } from './api.ts';
import { faultBench } from './run.ts';

const MINUTE = 60_000;

const askedFor = ({ url }: { url?: string | undefined }) => {
  const { searchParams } = new URL(url ?? '', 'http://localhost');
  return { offset: Number(searchParams.get('offset')), limit: Number(searchParams.get('limit')) };
};

test('pages over the 32 MB bound (tasks of 400 KB) are downloaded once for each size, and all tasks come', async () => {
  const bench = await faultBench();
  const message = 'x'.repeat(400_000);
  const list = new SimulatedList(
    Array.from({ length: 120 }, (_, i) => completedTask(`t${i}`, EPOCH - i * MINUTE, { message })),
  );
  const api = await serveList(list);
  const { exitCode, report } = await bench.sync(api);
  expect([exitCode, report.gaps, report.inserted]).toEqual([0, 0, 120]);
  expect(api.requests.map(askedFor)).toEqual([
    { offset: 0, limit: 100 },
    { offset: 0, limit: 50 },
    { offset: 48, limit: 50 },
    { offset: 96, limit: 50 },
  ]);
});

test('a row on which the API always answers 500 is passed over with its reason, and the rest comes', async () => {
  const bench = await faultBench();
  const list = new SimulatedList(tasksApart(300, MINUTE));
  const api = await serveList(list);
  api.fault = (n) => {
    const { offset, limit } = askedFor(api.requests[n - 1] ?? {});
    return offset <= 150 && 150 < offset + limit ? apiError(500, 'INTERNAL', 'no') : null;
  };
  const { exitCode, report } = await bench.sync(api);
  expect([exitCode, report.inserted, report.gaps]).toEqual([3, 299, 1]);
  expect(report.error).toMatch(/cannot serve the list from offset 150 to offset 150: .*HTTP 500 \(INTERNAL/);
  expect(differences(bench, list)).toEqual(['t000150']);
});

test('verify reads on below such a row, and says which place it could not compare', async () => {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(300, MINUTE));
  await bench.sync(list);
  const source = memorySource(list, {
    beforeList({ offset, limit }) {
      if (offset <= 150 && 150 < offset + limit) throw pageFailed('HTTP 500');
    },
  });
  const report = await verifySource(
    { name: 'default', baseUrl: 'https://api.example' },
    { store: bench.store, source },
    { pageSize: 100, concurrency: 4, signal: new AbortController().signal },
  );
  expect(report).toMatchObject({ ok: false, rowsCompared: 299, missing: { count: 0 }, extra: { count: 0 } });
  expect(report.problems).toEqual([expect.stringContaining('cannot serve the list from offset 150')]);
});
