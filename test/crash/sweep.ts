import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { playRound, type Struck } from './round.ts';
import type { Scenario } from './scenario.ts';
import type { Attack } from './victim.ts';

/** Rounds under way at once: a little more than there are cores, since each waits for files and sockets, too. */
const AT_ONCE = 3;

/**
 * One round for each attack, in order, until one leaves the program to end by itself. Returns what the others
 * left behind. Throws Error where all of them hit it.
 */
export async function sweep(
  scenario: Scenario,
  attacks: readonly Attack[],
  folder: string,
): Promise<Struck[]> {
  const hit: Struck[] = [];
  for (let first = 0; first < attacks.length; first += AT_ONCE) {
    const batch = await Promise.all(
      attacks
        .slice(first, first + AT_ONCE)
        .map((attack) => playRound(scenario, [attack], { folder: mkdtempSync(join(folder, 'round-')) })),
    );
    const struck = batch.flat();
    const end = struck.findIndex(({ fate }) => fate === 'survived');
    if (end !== -1) return [...hit, ...struck.slice(0, end)];
    hit.push(...struck);
  }
  throw new Error(`all of ${attacks.length} attacks hit: it takes more to get to the end`);
}

/** What the mirror went through, in words, each state once. */
export function statesOf(struck: readonly Struck[]): string[] {
  const states = struck.map(({ sight: { schema, rows, removed, runs, holder } }) => {
    if (!schema) return 'nothing';
    const last = runs.length === 0 ? 'no run' : `run ${runs.at(-1) ?? 'open'}`;
    return `${rows} rows, ${removed} removed, ${last}${holder === null ? '' : ', leased'}`;
  });
  return [...new Set(states)];
}
