import { exitCodeOf, type ExitCode, EXIT, InterruptedError, TaskmirrorError } from '../errors.ts';
import type {
  Clock,
  Log,
  MirrorClaim,
  MirrorStore,
  Outcome,
  RunKind,
  SourceIdentity,
  TaskSource,
  UpsertCounts,
  Verdict,
} from '../ports.ts';
import { completeThrough, type Ledger } from './ledger.ts';
import { Run, type RunOptions } from './run.ts';
import { utcText } from './task.ts';

/** What came of syncing one source: an object of `sync --json` (README, "sync --json"). Only ever gains fields. */
export interface SyncReport extends UpsertCounts {
  name: string;
  kind: RunKind | null;
  outcome: Outcome;
  verdict: Verdict | null;
  requests: number;
  rowsSeen: number;
  removed: number;
  rejected: number;
  /** Gaps that are left. */
  gaps: number;
  /** UTC text: everything at or below it is mirrored; null where nothing can be promised yet. */
  completeThrough: string | null;
  durationMs: number;
  /** What went wrong or stayed unproven, in one line; null where nothing did. */
  error: string | null;
}

/** A report, with what a program needs to act on it. */
export interface SyncResult {
  report: SyncReport;
  /** What a command should exit with for this source alone. */
  exitCode: ExitCode;
  /** The failure itself, where the run failed or was interrupted. */
  failure: unknown;
}

export interface SyncParts {
  store: MirrorStore;
  clock: Clock;
  /** Called at the beginning of the run: whatever it throws fails this run only. */
  connect: (log: Log) => TaskSource | Promise<TaskSource>;
  /** Makes the log of one run: every line of it carries the run's id. */
  logFor: (fields: { source: string; run: number }) => Log;
}

/** Renew the lease this often, in ms: well within its time to live, whatever a request waits for. */
const RENEW_MS = 15_000;

/**
 * Syncs one source, once. Never throws for what a run may meet (a refused key, an API that fails, a full disk, a lease
 * that another process holds): the result says it, and what was committed stays.
 */
export async function syncSource(
  identity: SourceIdentity,
  parts: SyncParts,
  options: RunOptions,
): Promise<SyncResult> {
  const began = parts.clock.now();
  const finish = (report: Partial<SyncReport>, failure: unknown): SyncResult => {
    const whole = {
      ...emptyReport(identity.name),
      ...report,
      durationMs: Math.max(0, parts.clock.now() - began),
    };
    return { report: whole, failure, exitCode: exitCodeFor(whole, failure) };
  };
  let claim: MirrorClaim;
  try {
    claim = await parts.store.claim(identity);
  } catch (failure) {
    return finish({ outcome: 'failed', error: messageOf(failure) }, failure);
  }
  const stopRenewing = parts.clock.every(RENEW_MS, () => {
    // A lease that is lost shows at the next commit, which then writes nothing.
    claim.renew().catch(() => undefined);
  });
  try {
    const { report, failure } = await runUnderLease(identity.name, claim, parts, options);
    return finish(report, failure);
  } catch (failure) {
    return finish({ outcome: 'failed', error: messageOf(failure) }, failure);
  } finally {
    stopRenewing();
    await claim.release().catch(() => undefined);
  }
}

async function runUnderLease(
  name: string,
  claim: MirrorClaim,
  parts: SyncParts,
  options: RunOptions,
): Promise<{ report: Partial<SyncReport>; failure: unknown }> {
  const state = await claim.state();
  const unfinished = state.ledger.gaps.some(({ lower }) => lower === null);
  const kind: RunKind = state.ledger.watermark === null || unfinished ? 'backfill' : 'incremental';
  const runId = await claim.startRun(kind);
  const log = parts.logFor({ source: name, run: runId });
  log.debug({ kind }, 'run begins');

  let run: Run | null = null;
  let failure: unknown = null;
  try {
    const source = await parts.connect(log);
    run = new Run({ source, claim, clock: parts.clock, log }, options, { kind, ...state });
    await run.execute();
  } catch (error) {
    failure = options.signal.aborted ? asInterruption(options.signal.reason) : error;
  }
  const report = { ...emptyReport(name), kind, ...progressOf(state.ledger), ...outcomeOf(run, failure) };
  try {
    await claim.finishRun(runId, report);
  } catch (error) {
    // The first failure is the one to tell; this is its echo (a full disk, a lost lease) or its successor.
    if (failure === null) throw error;
    log.warn({ err: error }, 'the record of this run could not be written');
  }
  const { outcome, verdict, requests, inserted, updated } = report;
  const level = outcome === 'ok' ? 'info' : 'warn';
  log[level]({ kind, outcome, verdict, requests, inserted, updated, error: report.error }, `run ${outcome}`);
  return { report, failure };
}

function outcomeOf(run: Run | null, failure: unknown): Partial<SyncReport> {
  const done = run === null ? {} : { ...run.counts, ...progressOf(run.ledger) };
  if (failure !== null) {
    const outcome = failure instanceof InterruptedError ? 'interrupted' : 'failed';
    return { ...done, outcome, error: messageOf(failure) };
  }
  const verdict = run?.verdict ?? null;
  const partial = verdict === 'unproven' || (run?.counts.rejected ?? 0) > 0;
  return { ...done, verdict, outcome: partial ? 'partial' : 'ok', error: run?.doubts[0] ?? null };
}

function progressOf(ledger: Ledger): Pick<SyncReport, 'gaps' | 'completeThrough'> {
  const through = completeThrough(ledger);
  return { gaps: ledger.gaps.length, completeThrough: through === null ? null : utcText(through) };
}

function exitCodeFor(report: SyncReport, failure: unknown): ExitCode {
  if (failure !== null) return exitCodeOf(failure);
  return report.outcome === 'partial' ? EXIT.partial : EXIT.done;
}

function asInterruption(reason: unknown): TaskmirrorError {
  return reason instanceof InterruptedError
    ? reason
    : new InterruptedError('the run was interrupted; what it had committed stays', { cause: reason });
}

function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}

function emptyReport(name: string): SyncReport {
  return {
    name,
    kind: null,
    outcome: 'failed',
    verdict: null,
    requests: 0,
    rowsSeen: 0,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    removed: 0,
    rejected: 0,
    gaps: 0,
    completeThrough: null,
    durationMs: 0,
    error: null,
  };
}
