import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { EXIT, UsageError } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import type { SourceStatus } from '../ports.ts';
import type { CommandContext } from './context.ts';
import { counted } from './output/text.ts';
import { assertNotMirror, writeWhole } from './output/whole-file.ts';
import { writeAll } from './output/write.ts';

/** What `snapshot --json` prints: a contract that only ever gains fields. Times are UTC text. */
export interface Snapshot {
  /** The absolute path of the copy. */
  file: string;
  bytes: number;
  /** What the copy holds, by name. */
  sources: Pick<SourceStatus, 'source' | 'completeThrough' | 'gaps' | 'liveRows' | 'removedRows'>[];
}

export interface SnapshotContext extends Pick<CommandContext, 'io' | 'settings' | 'signal'> {
  /** Copies the mirror in `file` into `target`, an empty file, and says what it holds. Throws DatabaseError. */
  copyMirror(file: string, target: string): Promise<SourceStatus[]>;
}

/** Makes `file` a copy of the mirror as it stands. Throws UsageError where `file` is there already. */
export async function makeSnapshot(
  { settings, signal, copyMirror }: Omit<SnapshotContext, 'io'>,
  file: string,
): Promise<Snapshot> {
  assertNotMirror(file, settings.database);
  if (existsSync(file)) {
    throw new UsageError(`${file} is there already; nothing was written to it`, {
      hint: 'Name a new file. To replace a copy that others read, rename the new one over it: mv new.db copy.db.',
    });
  }
  return writeWhole(file, async (handle, temporary) => {
    const status = await copyMirror(settings.database, temporary);
    // Nothing else ran while SQLite copied: a signal that came meanwhile is seen in the next turn of the loop.
    await setImmediate();
    signal.throwIfAborted();
    const sources = status.map(({ source, completeThrough, gaps, liveRows, removedRows }) => ({
      source,
      completeThrough,
      gaps,
      liveRows,
      removedRows,
    }));
    return { file, bytes: (await handle.stat()).size, sources };
  });
}

/** `taskmirror snapshot`: a copy for others to read. */
export async function snapshot(
  context: SnapshotContext,
  file: string,
  { json }: { json: boolean },
): Promise<ExitCode> {
  const made = await makeSnapshot(context, resolve(context.io.cwd, file));
  await writeAll(context.io.stdout, [json ? `${JSON.stringify(made, null, 2)}\n` : snapshotText(file, made)]);
  return EXIT.done;
}

function snapshotText(file: string, { bytes, sources }: Snapshot): string {
  const lines = sources.map(({ source, completeThrough, liveRows, removedRows }) => {
    const proven = completeThrough === null ? 'nothing is proven yet' : `complete through ${completeThrough}`;
    return `  ${source}: ${counted(liveRows, 'live row')}, ${removedRows} removed; ${proven}\n`;
  });
  return `${file}: ${counted(bytes, 'byte')}\n${lines.join('')}`;
}
