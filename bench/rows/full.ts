import { grouped } from '../../src/render/text.ts';
import type { Bench } from '../fixtures.ts';
import { alternate, spend } from '../measure.ts';
import { type Measured, medianOf } from '../verdict.ts';
import { loop } from './backfill.ts';

/**
 * Measures a full walk over a list in which nothing has changed. Its local cost is the CPU time of the
 * process less that of one that only fetches the same list, 100 tasks a page, and parses its JSON.
 */
export async function full(bench: Bench): Promise<Measured[]> {
  const tasks = bench.quick ? 100_000 : 1_000_000;
  const db = await bench.mirror(tasks);
  const { url } = await bench.api(tasks);
  const runs = await alternate(bench.quick ? 1 : 3, {
    sync: () => bench.program.sync({ db, url, full: true }),
    fetch: () => spend(loop(url)),
  });
  const written = runs.sync.map(({ report }) => report.inserted + report.updated + report.removed);
  const perTask = ({ cpuUs }: { cpuUs: number }): number => cpuUs / tasks;
  const [sync, fetched] = [medianOf(runs.sync, perTask), medianOf(runs.fetch, perTask)];
  return [
    {
      what: `sync --full of ${grouped(tasks)} unchanged tasks, written`,
      unit: 'rows',
      ours: Math.max(...written),
      most: 0,
    },
    { what: '  its local CPU time a task', unit: 'us', ours: sync - fetched, most: 15 },
    {
      what: '  its whole CPU time a task / fetching and parsing alone',
      unit: 'us',
      ours: sync,
      yardstick: fetched,
    },
  ];
}
