import { openFeed } from '../../src/store/sqlite/feed.ts';
import { openMirrorStore } from '../../src/store/sqlite/store.ts';
import { syncSource } from '../../src/sync/sync.ts';
import type { History } from './decisions.ts';
import { createHistory } from './history.ts';
import type { Place } from './place.ts';
import { describeDecisions, shrink } from './shrink.ts';
import { createBench, simulate } from './simulate.ts';
import type { Bench } from './simulation.ts';
import { createSqlitePlace } from './sqlite.ts';
import { Tally } from './tally.ts';

/** The results of some histories: plain data, so that another process can read them. */
export interface Examined {
  seeds: number;
  groups: Tally['groups'];
  /** For each history that failed: the failure, how to replay it, and the decisions that it takes. */
  failures: string[];
}

/** Creates a bench for the real core, with mirrors in files unless another place is given. */
export function createWorkbench(
  createPlace: () => Promise<Place> = () => createSqlitePlace({ openStore: openMirrorStore, openFeed }),
): ReturnType<typeof createBench> {
  return createBench({ createPlace, syncSource });
}

/** Runs the histories of these seeds and shortens those that fail. `only`: just these decisions. */
export async function examine(
  bench: Bench,
  { first, seeds, only = null }: { first: number; seeds: number; only?: readonly number[] | null },
): Promise<Examined> {
  const tally = new Tally();
  const failures: string[] = [];
  for (let seed = first; seed < first + seeds; seed += 1) {
    const history = createHistory(seed);
    const outcome = await simulate(history, bench, only === null ? undefined : new Set(only));
    tally.merge(outcome.tally.groups);
    const { violation } = outcome;
    if (violation !== null) {
      failures.push(await explain(history, bench, { invariant: violation.invariant, only }));
    }
  }
  return { seeds, groups: tally.groups, failures };
}

async function explain(
  history: History,
  bench: Bench,
  { invariant, only }: { invariant: string; only: readonly number[] | null },
): Promise<string> {
  const violationOf = async (kept: ReadonlySet<number>) => (await simulate(history, bench, kept)).violation;
  const kept = await shrink(
    history,
    only ?? [...history.decisions.keys()],
    async (some) => (await violationOf(some))?.invariant === invariant,
  );
  const violation = await violationOf(new Set(kept));
  return [
    `seed ${history.seed}: ${violation?.message ?? invariant}`,
    `replay: npm run simulate -- --seed ${history.seed} --only ${kept.join(',')}`,
    describeDecisions(history, kept),
  ].join('\n');
}
