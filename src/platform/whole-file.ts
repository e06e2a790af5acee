import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { OutputError, UsageError } from '../model/errors.ts';
import { messageOf } from '../model/text.ts';
import { endOfLinks, placeOf } from './links.ts';

/**
 * Makes or replaces a file so that it is either whole or not there: `fill` writes a second file beside it,
 * readable by its owner only, which takes its name once everything is on the disk. If `fill` or the disk
 * fails, nothing is left behind and the old file stays. Returns the result of `fill`. Throws UsageError if no
 * file can be made there, OutputError if it takes no more, and what `fill` throws.
 */
export async function writeWhole<T>(
  file: string,
  fill: (handle: FileHandle, temporary: string) => Promise<T>,
): Promise<T> {
  const { target, temporary, handle } = await create(file);
  try {
    const result = await fill(handle, temporary);
    await handle.sync();
    await handle.close();
    await rename(temporary, target);
    return result;
  } catch (error) {
    await handle.close();
    await rm(temporary, { force: true });
    throw explainWrite(error, file);
  }
}

/** Creates the second file, beside the one that `file` leads to. */
async function create(file: string): Promise<{ target: string; temporary: string; handle: FileHandle }> {
  try {
    const target = endOfLinks(file);
    const temporary = `${target}.${randomBytes(4).toString('hex')}.part`;
    return { target, temporary, handle: await open(temporary, 'wx', 0o600) };
  } catch (error) {
    throw new UsageError('output_not_creatable', { file }, `${file} cannot be written: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Returns an OutputError for a write that the operating system refused; any other error as it is. */
function explainWrite(error: unknown, file: string): unknown {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return error;
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  return new OutputError(
    isFull ? 'output_disk_full' : 'output_failed',
    { file },
    `${file} cannot be written: ${isFull ? 'the disk is full' : error.message}`,
    { cause: error },
  );
}

/** Endings of the files that SQLite keeps beside a database (sqlite.org/tempfiles.html). */
export const BESIDE = ['-wal', '-shm', '-journal'] as const;

/**
 * Throws UsageError if `file` is not a file, or if it is or will be part of the mirror in `database`, by
 * whatever name: SQLite would take what is written there for its own.
 */
export function assertNotMirror(file: string, database: string): void {
  const found = statOf(file);
  if (found !== undefined && !found.isFile())
    throw new UsageError('output_not_a_file', { file }, `${file} is not a file`);
  for (const ending of ['', ...BESIDE]) {
    const own = statOf(database + ending);
    const isSame = found !== undefined && own?.ino === found.ino && own.dev === found.dev;
    if (!isSame && placeOf(file) !== `${placeOf(database)}${ending}`) continue;
    throw new UsageError(
      'output_is_mirror',
      { file },
      `${file} is the mirror itself; nothing was written to it`,
    );
  }
}

/** Returns undefined if nothing is there or it cannot be examined: making the file then reports why. */
function statOf(file: string): ReturnType<typeof statSync> {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
