import type { SourceSettings } from '../../config/settings.ts';
import type { RetentionSettings } from '../../model/sync-settings.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { MirrorReader, SourceStatus } from '../../store/store.ts';
import { complain } from '../../platform/terminal.ts';
import type { CommandContext } from '../context.ts';
import { parseDuration } from '../arguments/duration.ts';
import { type Status, statusText } from '../../render/views/status.ts';
import type { ListedHook } from '../../render/views/hooks.ts';
import { ago } from '../../render/text.ts';
import { writeAll } from '../../render/write.ts';

/** Runs in a status: with one schedule for all, enough to find the last run of each source. */
const RUNS = 20;

/** Reads what the mirror holds, how fresh it is, and what it cannot prove. */
export async function readStatus(
  mirror: Pick<MirrorReader, 'status' | 'recentRuns' | 'retention'>,
  retention: RetentionSettings,
  hooks: readonly ListedHook[] = [],
): Promise<Status> {
  return {
    sources: await mirror.status(),
    runs: await mirror.recentRuns(RUNS),
    retention: { ...retention, ...(await mirror.retention()) },
    hooks: [...hooks],
  };
}

export interface StatusFlags {
  json: boolean;
  /** `--max-age TIME` */
  maxAge?: string | undefined;
}

/**
 * `taskmirror status`: exit code 6 if a source is older than `maxAge` allows. Throws DatabaseError if there
 * is no mirror, UsageError if `maxAge` is not a time.
 */
export async function status(
  { io, clock, settings, openReader }: Pick<CommandContext, 'io' | 'clock' | 'settings' | 'openReader'>,
  { json, maxAge, hooks }: StatusFlags & { hooks?: readonly ListedHook[] },
): Promise<ExitCode> {
  const longestMs = maxAge === undefined ? null : parseDuration('--max-age', maxAge, '365d');
  const mirror = await openReader();
  try {
    const found = await readStatus(mirror, settings.retention, hooks);
    const text = json
      ? `${JSON.stringify(found, null, 2)}\n`
      : statusText(found, clock.now(), await linesOf(found.hooks, clock.now()));
    await writeAll(io.stdout, [text]);
    if (longestMs === null) return EXIT.done;
    const complaints = complaintsOf(found.sources, settings.sources, { now: clock.now(), longestMs });
    for (const complaint of complaints) {
      complain(io.stderr, `${complaint}; --max-age allows ${maxAge}`);
    }
    return complaints.length === 0 ? EXIT.done : EXIT.differences;
  } finally {
    await mirror.close();
  }
}

async function linesOf(hooks: readonly ListedHook[], now: number): Promise<string[]> {
  if (hooks.length === 0) return [];
  const { hookLines } = await import('../../render/views/hooks.ts');
  return hookLines(hooks, now);
}

/**
 * Returns a complaint for each source without a success within `longestMs`. Skips a source that the settings
 * do not name, unless they name none; a source that they name and the mirror does not know never had a
 * success.
 */
function complaintsOf(
  mirrored: readonly SourceStatus[],
  set: readonly SourceSettings[],
  { now, longestMs }: { now: number; longestMs: number },
): string[] {
  const lastOf = new Map(mirrored.map(({ source, lastSuccessAt }) => [source, lastSuccessAt]));
  // A forgotten source has no run any more.
  const run = mirrored.filter(({ lastRunAt }) => lastRunAt !== null).map(({ source }) => source);
  const names = set.length === 0 ? run : set.map(({ name }) => name);
  if (names.length === 0) return ['no source is mirrored yet'];
  return names.flatMap((name) => {
    const last = lastOf.get(name) ?? null;
    if (last === null) return [`source "${name}" has never been mirrored completely`];
    return now - Date.parse(last) <= longestMs
      ? []
      : [`the last success of source "${name}" was ${ago(last, now)}`];
  });
}
