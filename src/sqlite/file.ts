import { statSync } from 'node:fs';
import { DatabaseError } from '../errors.ts';

/** There is no mirror where one was expected. */
export function missingMirror(file: string): DatabaseError {
  return new DatabaseError(`there is no mirror at ${file}`, {
    hint: 'Run "taskmirror sync" to make one, or name another file with --db FILE.',
  });
}

/** Throws DatabaseError unless there is a file: SQLite says the same of a folder as of a file that it may not open. */
export function assertFile(file: string): void {
  const found = statOf(file);
  if (found === undefined) throw missingMirror(file);
  if (!found.isFile()) {
    throw new DatabaseError(`${file} is not a file, so it cannot be a mirror`, {
      hint: 'Name the database file itself with --db FILE.',
    });
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
    throw new DatabaseError(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: 'Check the path and the permissions of its folders.',
        cause: error,
      },
    );
  }
}
