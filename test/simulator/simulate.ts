import { mkdtempSync, existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSimulatedTime } from './clock.ts';
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

/** Creates a folder (in memory if possible) with an empty mirror to copy; `close` removes it. */
export async function createBench(core: Core): Promise<Bench & { close(): void }> {
  const memory = '/dev/shm';
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'taskmirror-simulator-'));
  const template = join(folder, 'template.db');
  const clock = createSimulatedTime(0).clockFor(() => false);
  const store = await core.openMirrorStore(template, { create: true, clock, omit: new Set() });
  await store.close();
  return { core, folder, template, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs a history, with only the decisions at the indexes `kept` if given, and checks it all the way. */
export async function simulate(history: History, bench: Bench, kept?: ReadonlySet<number>): Promise<Outcome> {
  const tally = new Tally();
  const decisions = history.decisions.filter((_, index) => kept === undefined || kept.has(index));
  const simulation = new Simulation({ ...history, decisions }, bench, tally);
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
