import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { absolutePath, assertPath } from '../../platform/paths.ts';
import { CommandLineError } from '../command-line-error.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { SourceStatus } from '../../store/store.ts';
import type { CommandContext } from '../context.ts';
import type { Engine } from '../engines/engine.ts';
import { placeOf } from '../../platform/links.ts';
import { counted, grouped, printable } from '../../render/text.ts';
import { assertNotMirror, BESIDE, writeWhole } from '../../platform/whole-file.ts';
import { writeAll } from '../../render/write.ts';

/** The output of `snapshot --json`: a contract that only ever gains fields. Times are UTC text. */
export interface Snapshot {
  /** The absolute path of the copy. */
  file: string;
  bytes: number;
  /** The sources in the copy, by name. */
  sources: Pick<SourceStatus, 'source' | 'completeThrough' | 'gaps' | 'liveRows' | 'removedRows'>[];
}

export interface SnapshotContext extends Pick<CommandContext, 'io' | 'settings' | 'signal'> {
  engine: Pick<Engine, 'file' | 'snapshotTo'>;
}

/** Copies the current mirror to `file`. Throws UsageError if `file` exists, or if the mirror is not in a file. */
export async function makeSnapshot(
  { settings, signal, engine }: Omit<SnapshotContext, 'io'>,
  file: string,
): Promise<Snapshot> {
  const { snapshotTo } = engine;
  if (engine.file === null || snapshotTo === null) {
    throw new CommandLineError('a snapshot copies an SQLite file, and this mirror is in PostgreSQL', {
      hint: `Run: pg_dump --format=custom --schema=${settings.schema} --file=FILE "${settings.database}"`,
    });
  }
  assertNotMirror(file, engine.file);
  assertFree(file);
  return writeWhole(file, async (handle, temporary) => {
    const status = await snapshotTo(temporary);
    // Nothing else ran while SQLite copied: a signal that came meanwhile is seen in the next turn of the
    // loop.
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

/**
 * Throws UsageError if the name is taken, or if leftovers of another database beside it would be read as this
 * one's.
 */
function assertFree(file: string): void {
  if (existsSync(file)) {
    throw new CommandLineError(`${file} already exists; nothing was written to it`, {
      hint: 'Name a new file. To replace a copy that others read, rename the new one over it: mv new.db copy.db.',
    });
  }
  const place = placeOf(file);
  const left = BESIDE.map((ending) => place + ending).filter((name) => existsSync(name));
  if (left.length === 0) return;
  throw new CommandLineError(
    `${left.join(' and ')}: left by another database; it would damage the copy, so nothing was written`,
    { hint: 'Name another file, or move the leftover files away.' },
  );
}

/** `taskmirror snapshot`: makes a copy for others to read. Throws UsageError for an invalid name. */
export async function snapshot(
  context: SnapshotContext,
  file: string,
  { json }: { json: boolean },
): Promise<ExitCode> {
  if (file === '-') {
    throw new CommandLineError('a snapshot cannot be printed: SQLite makes it in a file', {
      hint: 'Name a file, then print that.',
    });
  }
  assertPath('the name', file);
  const made = await makeSnapshot(context, absolutePath(context.io.cwd, file));
  await writeAll(context.io.stdout, [json ? `${JSON.stringify(made, null, 2)}\n` : snapshotText(file, made)]);
  return EXIT.done;
}

function snapshotText(file: string, { bytes, sources }: Snapshot): string {
  const lines = sources.map(({ source, completeThrough, liveRows, removedRows }) => {
    const proven = completeThrough === null ? 'nothing is proven yet' : `complete through ${completeThrough}`;
    return `  ${source}: ${counted(liveRows, 'live row')}, ${grouped(removedRows)} removed; ${proven}\n`;
  });
  return `${printable(file)}: ${counted(bytes, 'byte')}\n${lines.join('')}`;
}
