import { isAbsolute, resolve } from 'node:path';
import { UsageError } from '../model/errors.ts';

/**
 * Returns what was expected if a name cannot be meant for a file of this program; null if it can. A script
 * with Windows line ends leaves a carriage return after each value, and SQLite's driver drops white space at
 * the end: the mirror would be in another file than the one that was named.
 */
export function pathProblem(path: string): string | null {
  if (/\p{Cc}/u.test(path)) {
    return 'expected a path without control characters (the line ends of a Windows script leave one at the end)';
  }
  return path.trimEnd() === path ? null : 'expected a path that does not end in a space';
}

/** Throws UsageError, whose message begins with `label`, unless a file of this name can be meant. */
export function assertPath(label: string, path: string): void {
  const problem = pathProblem(path);
  if (problem === null) return;
  throw new UsageError('path_invalid', { path }, `${label} ${JSON.stringify(path)}: ${problem}`);
}

/**
 * Returns an absolute path; a relative one starts at the working directory. Throws UsageError for a relative
 * one if that was deleted (null).
 */
export function absolutePath(cwd: string | null, path: string): string {
  if (isAbsolute(path)) return resolve(path);
  if (cwd !== null) return resolve(cwd, path);
  throw new UsageError(
    'working_directory_gone',
    { path },
    `${path} is relative to the working directory, which was deleted`,
  );
}
