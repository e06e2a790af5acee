import { messageOf } from '../model/text.ts';
import { InterruptedError, LeaseHeldError } from '../model/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log.ts';
import type { MirrorClaim, MirrorStore, SourceState } from '../store/store.ts';
import type { LastRuns, RunKind, SourceIdentity, Verdict } from '../model/run.ts';
import type { TaskSource } from '../source/source.ts';
import { RENEW_MS } from '../model/lease.ts';
import { reachesEnd } from '../model/ledger.ts';
import { Copier } from './copier.ts';
import { type DryClaim, dryClaim } from './dry-run.ts';
import { runIncremental, Unseen } from './incremental.ts';
import { runReconcile } from './reconcile.ts';
import { coverageOf, emptyReport, outcomeOf, type SyncReport } from './report.ts';
import type { RunOptions } from './run.ts';
import { clearOmitted, prepareReaders, pruneOld, type Retention } from './upkeep.ts';

/** A report, with the facts that a program needs to act on it. */
export interface SyncResult {
  report: SyncReport;
  /** The run's id in `sync_runs`; null if it failed before it had one, and for a dry run. */
  run: number | null;
  /** The failure, if the run failed or was interrupted; else null. */
  failure: unknown;
  /** The API's total has moved against the live rows since the last clean full run, so another is due. */
  fullAdvised: boolean;
  /**
   * The run found changes that the total may show: tasks that came later than the overlap reaches, or that
   * are gone.
   */
  foundLateOrGone: boolean;
  /** The last runs of the source, of which `isDone` said that they leave nothing to do; null if there was a run. */
  passedOver: LastRuns | null;
}

/** Options of a sync. */
export interface SyncOptions extends RunOptions {
  /** Walk the whole list, find every edit, and remove what is proven to be gone. */
  full?: boolean | undefined;
  /** With `full`: skip the removal safety limit. */
  allowRemovals?: boolean | undefined;
  /** Read and plan as usual, but write nothing and take no lease. */
  dryRun?: boolean | undefined;
  /** The log level of a failed run; `info` for a caller that reports the failure itself. */
  failureLevel?: 'info' | 'warn' | undefined;
  /** Begins no run, and takes no lease, if this says that the last runs of the source leave nothing to do. */
  isDone?: ((runs: LastRuns) => boolean) | undefined;
  /** Called with the id of the run once it holds the lease. */
  onBegin?: ((run: number) => void) | undefined;
  /** The data to delete at the end of the run; none by default. */
  retention?: Retention | undefined;
}

export interface SyncDeps {
  store: MirrorStore;
  clock: Clock;
  /** Called at the beginning of the run: an error that it throws fails this run only. */
  connect: (log: Log) => TaskSource | Promise<TaskSource>;
  /** Creates the log of one run: each of its lines has the run's id. */
  logFor: (fields: { source: string; run: number }) => Log;
}

/**
 * Syncs one source, once. Never throws for failures of a run (a refused key, an API that fails, a full disk,
 * a lease that another process holds): the result reports them, and committed data stays.
 */
export async function syncSource(
  identity: SourceIdentity,
  deps: SyncDeps,
  options: SyncOptions,
): Promise<SyncResult> {
  const began = deps.clock.now();
  const finish = ({ report, ...ran }: Ran): SyncResult => {
    const durationMs = Math.max(0, deps.clock.now() - began);
    return { ...ran, report: { ...emptyReport(identity.name), ...report, durationMs } };
  };
  let claim: MirrorClaim | DryClaim;
  try {
    const claimed = await claimFor(identity, deps, options);
    if ('passedOver' in claimed) return finish(claimed);
    ({ claim } = claimed);
  } catch (failure) {
    return finish(failed(failure));
  }
  const stopRenewing = deps.clock.every(RENEW_MS, () => {
    // A lost lease shows at the next commit, which then writes nothing.
    claim.renew().catch(() => undefined);
  });
  try {
    return finish(await runUnderLease(identity.name, claim, deps, options));
  } catch (failure) {
    return finish(failed(failure));
  } finally {
    stopRenewing();
    await claim.release().catch(() => undefined);
  }
}

interface Ran extends Omit<SyncResult, 'report'> {
  report: Partial<SyncReport>;
}

const NOT_RUN = { run: null, failure: null, fullAdvised: false, foundLateOrGone: false, passedOver: null };

function failed(failure: unknown): Ran {
  const report = { outcome: 'failed', error: messageOf(failure) } as const;
  return { ...NOT_RUN, report, failure };
}

async function claimFor(
  identity: SourceIdentity,
  { store }: SyncDeps,
  { dryRun, isDone }: SyncOptions,
): Promise<{ claim: MirrorClaim | DryClaim } | Ran> {
  if (dryRun === true) return { claim: dryClaim(await store.observe(identity)) };
  if (isDone === undefined) return { claim: await store.claim(identity) };
  let runs: LastRuns | null = null;
  const claim = await store.claimUnless(identity, (found) => isDone((runs = found)));
  return claim === null ? { ...NOT_RUN, report: { outcome: 'ok' }, passedOver: runs } : { claim };
}

async function runUnderLease(
  name: string,
  claim: MirrorClaim | DryClaim,
  deps: SyncDeps,
  options: SyncOptions,
): Promise<Ran> {
  const before = await claim.state();
  const kind = kindOf(before, options);
  const runId = await claim.startRun(kind);
  const log = deps.logFor({ source: name, run: runId });
  const upkeep = { claim, log, signal: options.signal };
  log.debug({ kind }, 'run begins');
  options.onBegin?.(runId);
  await clearOmitted(upkeep);

  let copier: Copier | null = null;
  let verdict: Verdict | null = null;
  let failure: unknown = null;
  let fullAdvised = false;
  try {
    const unseen = new Unseen();
    const source = await deps.connect(log);
    const setup = {
      kind,
      before,
      onTasks: unseen.markSeen.bind(unseen),
      allowEmpty: options.allowRemovals === true,
    };
    copier = new Copier({ source, claim, clock: deps.clock, log }, options, setup);
    if (options.full === true) {
      verdict = await runReconcile(copier, { allowRemovals: options.allowRemovals === true });
    } else {
      verdict = await runIncremental(copier, unseen);
      fullAdvised = verdict !== 'unproven' && (await totalHasMoved(copier, before));
    }
  } catch (error) {
    failure = options.signal.aborted ? asInterruption(options.signal.reason) : error;
  }
  const report: SyncReport = {
    ...emptyReport(name),
    kind,
    ...copier?.counts,
    ...coverageOf(copier?.ledger ?? before.ledger),
    ...outcomeOf(copier, verdict, failure),
    plan: 'plan' in claim ? claim.plan : null,
  };
  const result = {
    ...NOT_RUN,
    report,
    run: options.dryRun === true ? null : runId,
    failure,
    fullAdvised,
    foundLateOrGone: report.removed > 0 || copier?.head.lateSeen === true,
  };
  if (failure instanceof LeaseHeldError) {
    // Whoever holds the source now has closed the record of this run.
    log.info({ kind }, failure.message);
    return result;
  }
  // Prune while the lease is held: the end of the run releases it.
  if (options.retention !== undefined) await pruneOld(upkeep, options.retention, deps.clock.now());
  try {
    await claim.finishRun(runId, report);
  } catch (error) {
    // Report the first failure; this one results from it (a full disk, a lost lease) or follows it.
    if (failure === null) return { ...failed(error), run: runId };
    log.warn({ err: error }, 'the record of this run could not be written');
  }
  const { outcome, requests, inserted, updated, removed, error } = report;
  const levels = {
    ok: 'info',
    partial: 'warn',
    failed: options.failureLevel ?? 'warn',
    interrupted: 'info',
  } as const;
  const level = levels[outcome];
  log[level]({ kind, outcome, verdict, requests, inserted, updated, removed, error }, `run ${outcome}`);
  if (failure === null && copier !== null) await prepareReaders(upkeep, copier.ledger);
  return result;
}

function kindOf({ ledger }: SourceState, { full }: SyncOptions): RunKind {
  if (full === true) return 'reconcile';
  return reachesEnd(ledger) ? 'incremental' : 'backfill';
}

/**
 * Returns whether the API's total and the live rows have drifted apart since the last clean full run: a cheap
 * alarm, not a proof. The first run that finds nothing after the first backfill arms it, and compares them as
 * they are: a row that sank while the backfill read its old and its new place at once may be on no page.
 */
async function totalHasMoved(copier: Copier, { surplus, total }: SourceState): Promise<boolean> {
  if (copier.total === null) return false;
  const { claim } = copier.deps;
  const foundNothing = copier.total === total && copier.counts.inserted === 0;
  // Once armed, a run that found nothing adds nothing to the last comparison.
  if (foundNothing !== (surplus === null)) return false;
  const now = copier.total - (await claim.countAbove(-Infinity));
  if (surplus === null) await claim.commit({ tasks: [], rejected: [], surplus: now });
  return now !== (surplus ?? 0);
}

function asInterruption(reason: unknown): InterruptedError {
  return reason instanceof InterruptedError
    ? reason
    : new InterruptedError('the run was interrupted; its committed data stays', { cause: reason });
}
