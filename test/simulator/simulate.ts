import type { History } from './decisions.ts';
import { Run } from './run.ts';
import { settle } from './settle.ts';
import { type Bench, type Core, plansOf, Simulation, Violation } from './simulation.ts';
import { Tally } from './tally.ts';

/** The outcome of one history. */
export interface Outcome {
  violation: Violation | null;
  tally: Tally;
}

/** Creates a place for mirrors; `close` removes it. */
export async function createBench({
  syncSource,
  createPlace,
}: Core): Promise<Bench & { close(): Promise<void> }> {
  const place = await createPlace();
  return { syncSource, place, close: () => place.close() };
}

/** Runs a history, with only the decisions at the indexes `kept` if given, and checks it all the way. */
export async function simulate(history: History, bench: Bench, kept?: ReadonlySet<number>): Promise<Outcome> {
  const tally = new Tally();
  const decisions = history.decisions.filter((_, index) => kept === undefined || kept.has(index));
  const inspector = await bench.place.reset(history.seed);
  const simulation = new Simulation({ ...history, decisions }, bench, { tally, inspector });
  try {
    for (const plan of plansOf(decisions)) {
      simulation.between(plan.run, plan);
      if (plan.run.reopen) await simulation.closeStore();
      const run = new Run(simulation, plan);
      await run.perform(await simulation.store());
      if (run.process.isDead) {
        tally.add('processes', 'crashed');
        simulation.abandon();
      }
    }
    await settle(simulation);
    return { violation: null, tally };
  } catch (error) {
    return { violation: simulation.violation ?? asViolation(error), tally };
  } finally {
    await simulation.close();
  }
}

function asViolation(error: unknown): Violation {
  if (error instanceof Violation) return error;
  return new Violation(
    '0 the simulator itself',
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
}
