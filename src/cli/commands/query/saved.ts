import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readBounded } from '../../../platform/bounded-file.ts';
import { UsageError } from '../../../model/errors.ts';
import { CommandLineError } from '../../command-line-error.ts';
import type { Table } from '../../../store/queryable.ts';

/** Maximum size of the SQL in a file or on stdin. */
export const MAX_SQL_KILOBYTES = 1_024;

/** Plain words, so that no name leads out of the folder. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/;
const MAX_LISTED = 1_000;
const MAX_NAMED_IN_ERROR = 20;
const FIRST_COMMENT = /^\s*--[^\S\n]*([^\n]*)/;

/**
 * Returns the SQL of the saved query NAME: the text of NAME.sql. Throws UsageError, which lists the existing
 * names.
 */
export function readSaved(folder: string, name: string): string {
  const names = namesIn(folder);
  if (!names.includes(name)) throw unknown(folder, name, names);
  return readSqlFile(join(folder, `${name}.sql`));
}

/**
 * Lists every saved query with the first line of its SQL, if that is a comment, or the reason why its file
 * cannot be read. Throws UsageError if there is none.
 */
export function listSaved(folder: string): Table {
  const names = namesIn(folder);
  if (names.length === 0) throw unknown(folder, undefined, names);
  return {
    columns: ['name', 'description'],
    rows: names.map((name) => [name, descriptionOf(join(folder, `${name}.sql`))]),
  };
}

function descriptionOf(path: string): string | null {
  const file = readBounded(path, MAX_SQL_KILOBYTES);
  return 'failure' in file ? `this file ${file.failure}` : (FIRST_COMMENT.exec(file.text)?.[1] ?? null);
}

/**
 * Returns the text of a file with SQL. Throws UsageError if it cannot be read, is too large, or is not UTF-8.
 */
export function readSqlFile(path: string): string {
  const file = readBounded(path, MAX_SQL_KILOBYTES);
  if ('failure' in file) throw new CommandLineError(`the SQL file ${path} ${file.failure}`);
  return file.text;
}

function namesIn(folder: string): string[] {
  let entries: string[];
  try {
    entries = readdirSync(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return [];
    throw new CommandLineError(`the folder of saved queries, ${folder}, cannot be read (${String(code)})`, {
      cause: error,
    });
  }
  return entries
    .filter((entry) => entry.endsWith('.sql'))
    .map((entry) => entry.slice(0, -'.sql'.length))
    .filter((name) => NAME.test(name))
    .toSorted()
    .slice(0, MAX_LISTED);
}

function unknown(folder: string, name: string | undefined, names: readonly string[]): UsageError {
  const some = names.slice(0, MAX_NAMED_IN_ERROR);
  const rest = names.length > some.length ? `, and ${names.length - some.length} more` : '';
  return new CommandLineError(
    name === undefined
      ? `there are no saved queries in ${folder}`
      : `there is no saved query "${name.slice(0, 100)}" in ${folder}`,
    {
      hint:
        some.length === 0
          ? 'Save one there as NAME.sql; a first line like "-- what it shows" describes it. The setting "queriesFolder" names another folder.'
          : `Saved queries: ${some.join(', ')}${rest}. A name consists of letters, digits, hyphens and underscores.`,
    },
  );
}
