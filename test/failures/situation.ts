import { isDeepStrictEqual } from 'node:util';
import type { SimulatedList } from '../../src/source/simulated/list.ts';
import { mirroredTasks } from '../support/mirror.ts';
import type { Bench } from '../support/sync.ts';
import { completedTask } from '../support/tasks.ts';

/** A run that ends, as if its process had been stopped, before list request `requests + 1` is answered. */
export function syncOnly(
  bench: Bench,
  list: SimulatedList,
  requests: number,
  options: { full?: boolean } = {},
) {
  const stop = new AbortController();
  return bench.sync(list, {
    ...options,
    signal: stop.signal,
    beforeList: ({ count }) => (count > requests ? stop.abort() : undefined),
  });
}

/** Adds `count` tasks, a second apart, above `after` (ms). */
export function arrive(list: SimulatedList, count: number, name: string, after: number): void {
  for (let i = 1; i <= count; i += 1) list.put(completedTask(`${name}-${i}`, after + i * 1_000));
}

/** The ids of tasks that the mirror lacks, has too many, or has otherwise than the list: none, where it is exact. */
export function differences({ file }: { file: string }, list: SimulatedList): string[] {
  const there = new Map(list.all().map((task) => [task.id, task]));
  const here = new Map(mirroredTasks(file).map((task) => [task.id, task]));
  return [...new Set([...there.keys(), ...here.keys()])].filter(
    (id) => !isDeepStrictEqual(there.get(id), here.get(id)),
  );
}

/** The tasks up to `completeThrough` that are lacking: none, or the mirror has claimed too much. */
export async function brokenPromises(
  { store, file }: Pick<Bench, 'store' | 'file'>,
  list: SimulatedList,
): Promise<string[]> {
  const through = (await store.status())[0]?.completeThrough ?? null;
  const mirrored = new Set(mirroredTasks(file).map(({ id }) => id));
  return list
    .all()
    .filter(({ id, lastActivityAt }) => through !== null && lastActivityAt <= through && !mirrored.has(id))
    .map(({ id }) => id);
}
