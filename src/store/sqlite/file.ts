import { closeSync, lstatSync, openSync, readlinkSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseError, UsageError } from '../../model/errors.ts';
import { messageOf } from '../../model/text.ts';

/** Returns the error for a missing mirror. */
export function missingMirror(file: string): DatabaseError {
  return new DatabaseError('database_missing', { file }, `there is no mirror at ${file}`);
}

/**
 * Returns the absolute path of a database. Throws UsageError for a name that SQLite's driver would change.
 */
export function databasePath(file: string): string {
  const place = resolve(file);
  if (place.trim() === place) return place;
  throw new UsageError(
    'database_name_invalid',
    { file },
    `the name ${JSON.stringify(file)} ends in white space, which a database name cannot`,
  );
}

/**
 * Makes an empty file, readable by its owner only, if there is none; through a dangling link, makes its
 * target. Throws DatabaseError.
 */
export function makePrivateFile(file: string): void {
  if (statOf(file) !== undefined) return;
  try {
    // Append mode: a file that another process makes meanwhile stays whole.
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

/**
 * Throws DatabaseError unless there is a file. SQLite reports a folder and a file that it may not open alike.
 */
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

/**
 * Returns what tells a file from a later one of the same name; null if there is none. Throws DatabaseError.
 */
export function identityOf(file: string): string | null {
  const found = statOf(file);
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

/**
 * Throws DatabaseError if the file was deleted or replaced since it had this identity: SQLite would go on with
 * one that nobody else sees. `when` ends the sentence.
 */
export function assertInPlace(file: string, identity: string | null, when: string): void {
  const found = identityOf(file);
  if (found === identity) return;
  throw new DatabaseError(
    'database_replaced',
    { file },
    `${file} was ${found === null ? 'deleted or moved away' : 'replaced by another file'} ${when}`,
  );
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
