import { lastRunSeen } from '../model/hook.ts';
import type { SettledRun } from '../store/hooks.ts';

/** An event of a source, made from its runs. */
export interface RunEvent {
  type: 'source.failed' | 'source.recovered';
  /** UTC text: when the run ended. */
  at: string;
  run: SettledRun;
  /** The source works again, so that its failure is past; false for a recovery. */
  isPast: boolean;
}

/**
 * Returns the events of runs in order: the first run of a source that failed after one that did not, and the
 * first that did not after one that failed. `after`: the last run of each source that was looked at.
 */
export function runEventsOf(
  runs: readonly SettledRun[],
  after: Readonly<Record<string, number>>,
): RunEvent[] {
  const before = new Map<string, boolean>();
  const events: RunEvent[] = [];
  for (const run of runs) {
    const isGood = run.outcome !== 'failed';
    const wasGood = before.get(run.source);
    before.set(run.source, isGood);
    if (wasGood === undefined || wasGood === isGood || run.id <= lastRunSeen(after, run.source)) continue;
    const type = isGood ? 'source.recovered' : 'source.failed';
    events.push({ type, at: run.finishedAt, run, isPast: false });
  }
  return events.map((event) => ({
    ...event,
    isPast: event.type === 'source.failed' && runs.some((run) => isLaterSuccess(run, event.run)),
  }));
}

function isLaterSuccess(run: SettledRun, failed: SettledRun): boolean {
  return run.source === failed.source && run.id > failed.id && run.outcome !== 'failed';
}
