import type { Decision, History } from './decisions.ts';

/** Most histories tried to make one shorter. */
const ATTEMPTS = 600;

/**
 * Leaves out decisions as long as `fails` still says so: whole runs first, then many at once, then one by
 * one. Returns the indexes of those of `all` that are needed.
 */
export async function shrink(
  history: History,
  all: readonly number[],
  fails: (kept: ReadonlySet<number>) => Promise<boolean>,
): Promise<number[]> {
  let kept = [...all];
  let attempts = 0;
  const canDo = async (fewer: number[]): Promise<boolean> => {
    attempts += 1;
    if (attempts > ATTEMPTS || fewer.length === kept.length || !(await fails(new Set(fewer)))) return false;
    kept = fewer;
    return true;
  };
  for (const run of new Set(history.decisions.map((decision) => decision.run))) {
    await canDo(kept.filter((index) => history.decisions[index]?.run !== run));
  }
  let size = kept.length;
  let isShorter = true;
  while (size > 1 || isShorter) {
    size = Math.max(1, Math.floor(size / 2));
    isShorter = false;
    let start = 0;
    while (start < kept.length) {
      if (await canDo(kept.toSpliced(start, size))) isShorter = true;
      else start += size;
    }
  }
  return kept;
}

/** Describes the setup and these decisions, one per line. */
export function describeDecisions(history: History, kept: readonly number[]): string {
  const lines = kept.flatMap((index) => {
    const decision = history.decisions[index];
    return decision === undefined ? [] : [`  ${index}: ${inWords(decision)}`];
  });
  return [`setup ${JSON.stringify(history.setup)}`, ...lines].join('\n');
}

function inWords({ what, run, ...rest }: Decision): string {
  const details = Object.entries(rest)
    .filter(([, value]) => value !== false)
    .map(
      ([name, value]) => `${name} ${typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value}`,
    );
  return `run ${run}, ${what}: ${details.join(', ')}`;
}
