import { CommandLineError } from '../command-line-error.ts';
import { EXIT, type ExitCode, exitCodeOfRun } from '../exit.ts';
import { hintOf } from '../hints.ts';
import type { MirrorStore } from '../../store/store.ts';
import type { SourceSettings } from '../../config/settings.ts';
import { requireSources } from '../../config/sources.ts';
import type { Progress } from '../../sync/run.ts';
import { runOptions } from '../../sync/options.ts';
import type { Plan } from '../../sync/dry-run.ts';
import type { SyncReport } from '../../sync/report.ts';
import { type SyncOptions, syncSource, type SyncResult } from '../../sync/sync.ts';
import { columnsOf, complain, folded, type Output, printable } from '../../platform/terminal.ts';
import type { CommandContext } from '../context.ts';
import type { HookDelivery } from '../hook-delivery.ts';
import { counted, duration, grouped } from '../../render/text.ts';
import { writeAll } from '../../render/write.ts';
import { ProgressLine } from '../../render/progress.ts';

/** The output of `sync --json`: a contract that only ever gains fields. */
export interface SyncOutcome {
  /** True if every source is exact as far as this run could see. */
  ok: boolean;
  sources: SyncReport[];
}

export interface SyncFlags extends Pick<SyncOptions, 'full' | 'allowRemovals' | 'dryRun'> {
  json: boolean;
}

/**
 * `taskmirror sync`: runs every source once. Throws UsageError without any source, DatabaseError without a
 * file.
 */
export async function sync(context: CommandContext, { json, ...options }: SyncFlags): Promise<ExitCode> {
  const { io, settings, clock } = context;
  const sources = requireSources(settings);
  if (options.allowRemovals === true && options.full !== true) {
    throw new CommandLineError('--allow-removals goes with --full: no other run removes anything');
  }
  const store =
    options.dryRun === true ? await context.openToLook() : await context.openMirror({ create: true });
  const progress = new ProgressLine(io.stderr, clock);
  let hooks: HookDelivery | null = null;
  try {
    if (settings.hooks.length > 0 && options.dryRun !== true) {
      const { openHookDelivery } = await import('../hook-delivery.ts');
      hooks = await openHookDelivery(context);
    }
    const results = await Promise.all(
      sources.map((source) => {
        const onProgress = (update: Progress): void => progress.update(source.name, update);
        return syncOne(context, store, source, { ...options, onProgress, failureLevel: 'info' });
      }),
    );
    progress.done();
    await hooks?.deliverOnce();
    for (const result of results) reportFailure(io.stderr, result);
    const outcome = {
      ok: results.every((result) => exitCodeOfRun(result) === EXIT.done),
      sources: results.map((r) => r.report),
    };
    const text = json
      ? `${JSON.stringify(outcome, null, 2)}\n`
      : folded(outcome.sources.map(summary).join(''), columnsOf(io.stdout));
    await writeAll(io.stdout, [text]);
    return exitCodeOfAll(results);
  } finally {
    progress.done();
    await hooks?.close();
    await store.close();
  }
}

/** Runs one source once. Never throws for failures of a run: see {@link syncSource}. */
export async function syncOne(
  context: Pick<CommandContext, 'clock' | 'settings' | 'signal' | 'connect' | 'runLog'>,
  store: MirrorStore,
  source: SourceSettings,
  options: Partial<SyncOptions>,
): Promise<SyncResult> {
  return syncSource(
    { name: source.name, baseUrl: source.baseUrl },
    {
      store,
      clock: context.clock,
      connect: (log) => context.connect(source, log),
      logFor: (fields) => context.runLog(fields),
    },
    { ...runOptions(context.settings.sync, context.settings.retention), ...options, signal: context.signal },
  );
}

/** Returns the exit code: a failure of any source outweighs rejected rows or an unproven walk. */
function exitCodeOfAll(results: readonly SyncResult[]): ExitCode {
  const failed = results.find(({ failure }) => failure !== null);
  if (failed !== undefined) return exitCodeOfRun(failed);
  return results.map(exitCodeOfRun).find((code) => code !== EXIT.done) ?? EXIT.done;
}

function reportFailure(stderr: Output, { report, failure }: SyncResult): void {
  if (failure === null) return;
  const { name } = report;
  const error = report.error ?? 'failed';
  // Errors of a source name it already.
  const isNamed = error.toLowerCase().startsWith(`source "${name.toLowerCase()}"`);
  complain(stderr, isNamed ? error : `${name}: ${error}`, hintOf(failure));
}

function summary(report: SyncReport): string {
  const { name, outcome, requests, rejected, plan } = report;
  const took = `${counted(requests, 'request')}, ${duration(report.durationMs)}`;
  if (report.kind === null) return `${name}: not run\n`;
  const said = plan === null ? OUTCOMES[outcome] : `dry run, ${outcome}`;
  const lines = [`${name}: ${said}: ${changes(report)} (${took})`];
  if (report.completeThrough !== null) lines.push(`  complete through ${report.completeThrough}`);
  if (rejected > 0)
    lines.push(`  ${counted(rejected, 'row')} could not be read: see the table rejected_rows`);
  if (report.error !== null && outcome === 'partial' && report.verdict !== 'unproven') {
    lines.push(`  ${report.error}`);
  }
  if (report.verdict === 'unproven') {
    lines.push(
      `  unproven, ${counted(report.gaps, 'gap')} open: ${printable(report.error ?? 'the next run tries again')}`,
    );
  }
  if (plan !== null) lines.push(...planLines(plan));
  return `${lines.join('\n')}\n`;
}

function planLines({ insert, update, remove }: Plan): string[] {
  const writes = [
    ['insert', insert],
    ['update', update],
    ['remove', remove],
  ] as const;
  return writes
    .filter(([, ids]) => ids.length > 0)
    .flatMap(([what, ids]) => [
      `  would ${what}:`,
      ...ids.slice(0, PLAN_SHOWN).map((id) => `    ${printable(id)}`),
      ...(ids.length > PLAN_SHOWN ? ['    ...'] : []),
    ]);
}

/** Ids of each kind that a dry run shows to people; --json has more. */
const PLAN_SHOWN = 5;

const OUTCOMES = {
  ok: 'up to date',
  partial: 'done, but something is unproven',
  failed: 'failed',
  interrupted: 'interrupted',
} as const;

function changes({ kind, inserted, updated, removed }: SyncReport): string {
  const parts = [`${grouped(inserted)} new`, `${grouped(updated)} changed`];
  if (kind === 'reconcile') parts.push(`${grouped(removed)} removed`);
  return parts.join(', ');
}
