import { fileURLToPath } from 'node:url';
import type { Bench } from '../fixtures.ts';
import { alternate, spend } from '../measure.ts';
import { type Measured, medianOf } from '../verdict.ts';

/** Returns the CPU time in us of putting rows into an empty mirror; processes/ingest.ts has the arguments. */
export async function ingestCpu(...args: string[]): Promise<number> {
  const path = fileURLToPath(new URL('../processes/ingest.ts', import.meta.url));
  const { stdout } = await spend({ args: [path, ...args], onlyWall: true });
  const { cpuUs }: { cpuUs: number } = JSON.parse(stdout);
  return cpuUs;
}

/** Measures CPU time per committed task against a bare upsert, prepared and bound, into the same table. */
export async function ingest(bench: Bench): Promise<Measured[]> {
  const tasks = bench.quick ? 30_000 : 100_000;
  const mirror = await bench.mirror(tasks);
  const runs = await alternate(bench.quick ? 3 : 5, {
    store: () => ingestCpu('store', String(tasks), bench.freshFile()),
    bare: () => ingestCpu('bare', mirror, bench.freshFile()),
    text: () => ingestCpu('text', String(tasks), bench.freshFile()),
  });
  const perTask = (cpuUs: number): number => cpuUs / tasks;
  const yardstick = medianOf(runs.bare, perTask);
  return [
    {
      what: 'ingest, CPU a task / a bare prepared upsert',
      unit: 'us',
      ours: medianOf(runs.store, perTask),
      yardstick,
      most: 1.3,
    },
    {
      what: '  with parsing and validation of the pages',
      unit: 'us',
      ours: medianOf(runs.text, perTask),
      yardstick,
    },
  ];
}
