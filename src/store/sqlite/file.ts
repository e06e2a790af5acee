import { closeSync, lstatSync, openSync, readlinkSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseError, UsageError } from '../../model/errors.ts';
import { messageOf } from '../../model/text.ts';

/** There is no mirror where one was expected. */
export function missingMirror(file: string): DatabaseError {
  return new DatabaseError('database_missing', { file }, `there is no mirror at ${file}`);
}

/** The absolute path of a database. Throws UsageError for a name that SQLite's driver would take for another one. */
export function databasePath(file: string): string {
  const place = resolve(file);
  if (place.trim() === place) return place;
  throw new UsageError(
    'database_name_invalid',
    { file },
    `the name ${JSON.stringify(file)} ends in white space, which no database can`,
  );
}

/**
 * Makes an empty file, readable by its owner only, where there is none; where a link leads to one that is not there, that.
 * Throws DatabaseError.
 */
export function makePrivateFile(file: string): void {
  if (statOf(file) !== undefined) return;
  try {
    // Appending, so that a file which another process makes meanwhile stays whole.
    closeSync(openSync(file, 'a', 0o600));
  } catch (error) {
    const link = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    const name = link ? `${file}, a link to ${resolve(dirname(file), readlinkSync(file))},` : file;
    throw new DatabaseError(
      'database_not_creatable',
      { file },
      `${name} cannot be created: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** Throws DatabaseError unless there is a file: SQLite says the same of a folder as of a file that it may not open. */
export function assertFile(file: string): void {
  const found = statOf(file);
  if (found === undefined) throw missingMirror(file);
  if (!found.isFile()) {
    throw new DatabaseError(
      'database_not_a_file',
      { file },
      `${file} is not a file, so it cannot be a mirror`,
    );
  }
}

/** Tells a file from another one that takes its place under the same name; null where there is none. Throws DatabaseError. */
export function identityOf(file: string): string | null {
  const found = statOf(file);
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

function statOf(file: string): ReturnType<typeof statSync> {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw new DatabaseError('database_unreachable', { file }, `${file} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
