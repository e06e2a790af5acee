import { setImmediate as settled } from 'node:timers/promises';
import { Daemon } from '../../src/daemon/daemon.ts';
import type { DaemonRun, DaemonSource } from '../../src/daemon/lane.ts';
import { InterruptedError, LeaseHeldError } from '../../src/model/errors.ts';
import type { LastRuns } from '../../src/model/run.ts';
import { emptyReport } from '../../src/sync/report.ts';
import type { SyncResult } from '../../src/sync/sync.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { memoryLog } from '../support/mirror.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** The id of every run. */
export const RUN = 17;

/** A source whose runs end when the test says so. */
export class HeldSource implements DaemonSource {
  readonly name: string;
  /** Whether each run so far was a full one. */
  readonly begun: boolean[] = [];
  /** How often it was asked for a new key, and whether it has one. */
  looks = 0;
  newKey: boolean | Promise<boolean> = false;
  /** What the database holds of earlier runs. */
  runs: LastRuns = { success: null, full: null, failedFull: null };
  /** Whether its lease can be had. */
  isFree = true;
  #running: PromiseWithResolvers<SyncResult>[] = [];

  constructor(name: string) {
    this.name = name;
  }

  sync({ full, isDone, onBegin }: DaemonRun): Promise<SyncResult> {
    if (isDone(this.runs))
      return Promise.resolve({ ...this.#result(null), run: null, passedOver: this.runs });
    this.begun.push(full);
    if (this.isFree) onBegin(RUN);
    const run = Promise.withResolvers<SyncResult>();
    this.#running.push(run);
    return run.promise;
  }

  async hasNewKey(): Promise<boolean> {
    this.looks += 1;
    return this.newKey;
  }

  /** The run under way throws. */
  async break(error: Error): Promise<void> {
    this.#running.shift()?.reject(error);
    await settled();
  }

  /** How many runs are under way. */
  get running(): number {
    return this.#running.length;
  }

  /** Ends the run under way, well unless there is a failure, and lets the daemon hear of it. */
  async end(
    failure: Error | null = null,
    { fullAdvised = false, foundLateOrGone = false } = {},
  ): Promise<void> {
    this.#running.shift()?.resolve({ ...this.#result(failure), fullAdvised, foundLateOrGone });
    await settled();
  }

  #result(failure: Error | null): SyncResult {
    const outcome = failure === null ? 'ok' : failure instanceof InterruptedError ? 'interrupted' : 'failed';
    const report = { ...emptyReport(this.name), kind: 'incremental', outcome, requests: 1 } as const;
    return {
      report: { ...report, error: failure?.message ?? null },
      run: failure instanceof LeaseHeldError ? null : RUN,
      failure,
      fullAdvised: false,
      foundLateOrGone: false,
      passedOver: null,
    };
  }
}

export interface Setup {
  daemon: Daemon;
  clock: FakeClock;
  log: ReturnType<typeof memoryLog>;
  a: HeldSource;
  b: HeldSource;
}

export function setUp({ random = () => 0 }: { random?: () => number } = {}): Setup {
  const [a, b] = [new HeldSource('a'), new HeldSource('b')];
  const [clock, log] = [createFakeClock(), memoryLog()];
  return { daemon: new Daemon({ sources: [a, b], clock, log, random }), clock, log, a, b };
}
