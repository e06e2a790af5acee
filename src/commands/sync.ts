import { EXIT, type ExitCode, TaskmirrorError } from '../errors.ts';
import type { MirrorStore } from '../ports.ts';
import type { Settings, SourceSettings } from '../config/settings.ts';
import { requireSources } from '../config/load.ts';
import type { RunOptions } from '../sync/copier.ts';
import { syncSource, type SyncReport, type SyncResult } from '../sync/sync.ts';
import type { CommandContext, Output } from './context.ts';
import { counted, duration, grouped } from './output/text.ts';
import { writeAll } from './output/write.ts';
import { ProgressLine } from './progress.ts';

/** What `sync --json` prints: a contract that only ever gains fields. */
export interface SyncOutcome {
  /** Every source is exact as far as this run could see. */
  ok: boolean;
  sources: SyncReport[];
}

export interface SyncFlags {
  json: boolean;
}

/** `taskmirror sync`: one run of every source. Throws UsageError without any source, DatabaseError without a file. */
export async function sync(context: CommandContext, { json }: SyncFlags): Promise<ExitCode> {
  const { io, settings, clock } = context;
  const sources = requireSources(settings);
  const store = await context.openMirror({ create: true });
  const progress = new ProgressLine(io.stderr, clock);
  try {
    const results = await Promise.all(
      sources.map((source) =>
        syncOne(context, store, source, (update) => progress.update(source.name, update)),
      ),
    );
    progress.done();
    for (const result of results) reportFailure(io.stderr, result);
    const outcome = {
      ok: results.every(({ exitCode }) => exitCode === 0),
      sources: results.map((r) => r.report),
    };
    await writeAll(io.stdout, [
      json ? `${JSON.stringify(outcome, null, 2)}\n` : outcome.sources.map(summary).join(''),
    ]);
    return exitCodeOfAll(results);
  } finally {
    progress.done();
    await store.close();
  }
}

/** One run of one source. Never throws for what a run may meet: see {@link syncSource}. */
export async function syncOne(
  context: Pick<CommandContext, 'clock' | 'log' | 'settings' | 'signal' | 'connect' | 'runLog'>,
  store: MirrorStore,
  source: SourceSettings,
  onProgress: NonNullable<RunOptions['onProgress']> = () => {},
): Promise<SyncResult> {
  return syncSource(
    { name: source.name, baseUrl: source.baseUrl },
    { store, clock: context.clock, connect: (log) => context.connect(source, log), logFor: context.runLog },
    { ...runOptions(context.settings), signal: context.signal, onProgress },
  );
}

function runOptions({ sync: { pageSize, concurrency, overlapSeconds } }: Settings) {
  return { pageSize, concurrency, overlapMs: overlapSeconds * 1_000 };
}

/** A failure of any source outweighs rows that were rejected or a walk that stayed unproven. */
function exitCodeOfAll(results: readonly SyncResult[]): ExitCode {
  const failed = results.find(({ failure }) => failure !== null);
  return failed?.exitCode ?? results.find(({ exitCode }) => exitCode !== EXIT.done)?.exitCode ?? EXIT.done;
}

function reportFailure(stderr: Output, { report, failure }: SyncResult): void {
  if (failure === null) return;
  stderr.write(`taskmirror: ${report.name}: ${report.error ?? 'failed'}\n`);
  if (failure instanceof TaskmirrorError && failure.hint !== undefined) stderr.write(`  ${failure.hint}\n`);
}

function summary(report: SyncReport): string {
  const { name, outcome, inserted, updated, requests, rejected } = report;
  const what =
    outcome === 'ok' ? 'up to date' : outcome === 'partial' ? 'done, but not all is proven' : outcome;
  const took = `${counted(requests, 'request')}, ${duration(report.durationMs)}`;
  const lines = [`${name}: ${what}: ${grouped(inserted)} new, ${grouped(updated)} changed (${took})`];
  if (report.completeThrough !== null) lines.push(`  complete through ${report.completeThrough}`);
  if (rejected > 0) lines.push(`  ${grouped(rejected)} rows could not be read: see the table rejected_rows`);
  if (report.verdict === 'unproven')
    lines.push(`  ${grouped(report.gaps)} gaps stay open: ${report.error ?? ''}`);
  return `${lines.join('\n')}\n`;
}
