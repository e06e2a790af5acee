import { EXIT } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import type { MirrorReader, RunSummary, SourceStatus } from '../ports.ts';
import type { CommandContext } from './context.ts';
import { statusText } from './status-text.ts';
import { writeAll } from './output/write.ts';

/** Runs that a status holds: with one schedule for all, enough to find the last run of each source. */
const RUNS = 20;

/** What `status --json` prints: a contract that only ever gains fields. Times are UTC text. */
export interface Status {
  /** By name. Empty where nothing has been mirrored yet. */
  sources: SourceStatus[];
  /** The newest 20 runs of all sources, newest first. */
  runs: RunSummary[];
}

/** What the mirror holds, how fresh it is, and what it cannot prove. */
export async function readStatus(mirror: Pick<MirrorReader, 'status' | 'recentRuns'>): Promise<Status> {
  return { sources: await mirror.status(), runs: await mirror.recentRuns(RUNS) };
}

/** `taskmirror status`. Throws DatabaseError where there is no mirror. */
export async function status(
  { io, clock, openReader }: Pick<CommandContext, 'io' | 'clock' | 'openReader'>,
  { json }: { json: boolean },
): Promise<ExitCode> {
  const mirror = await openReader();
  try {
    const found = await readStatus(mirror);
    const text = json
      ? `${JSON.stringify(found, null, 2)}\n`
      : statusText(found.sources, found.runs, clock.now());
    await writeAll(io.stdout, [text]);
  } finally {
    await mirror.close();
  }
  return EXIT.done;
}
