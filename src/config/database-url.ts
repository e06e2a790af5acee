import { TaskmirrorError } from '../model/errors.ts';
import { isPostgresUrl, parsePostgresUrl, withoutPassword } from '../model/postgres-url.ts';
import { pathProblem } from '../platform/paths.ts';
import { describePlace, type Draft, originOf, overlay, placeOf } from './draft.ts';
import type { Origin } from './settings.ts';

export const DATABASE_EXPECTED = 'expected the path of a file, or postgres://USER@HOST:PORT/DATABASE';
export const URL_EXPECTED = 'expected postgres://USER@HOST:PORT/DATABASE';

/** Returns what is wrong with the place of a mirror; null if it can be one. Never quotes it. */
export function databaseProblem(text: string): string | null {
  if (isPostgresUrl(text)) return urlProblem(text);
  return isUrl(text) ? DATABASE_EXPECTED : pathProblem(text);
}

/** Returns what is wrong with the URL of a PostgreSQL database; null if nothing is. Never quotes it. */
export function urlProblem(text: string): string | null {
  if (!isPostgresUrl(text)) return URL_EXPECTED;
  try {
    parsePostgresUrl(text);
    return null;
  } catch (error) {
    if (error instanceof TaskmirrorError) return error.message;
    throw error;
  }
}

/** Returns whether a text is a URL of any kind, or meant as one: it may hold a password. */
export function isUrl(text: string): boolean {
  return isPostgresUrl(text) || /^[a-z][a-z\d+.-]*:\/\//i.test(text);
}

/**
 * Takes the passwords out of the URLs of databases: nothing after this can show them. Returns a problem for
 * each that may not hold one; a variable may, and resolveTarget finds it there again.
 */
export function takePasswords(draft: Draft): string[] {
  return ['database', 'queryDatabase'].flatMap((name) => {
    const url = draft.values[name];
    if (typeof url !== 'string' || !holdsPassword(url)) return [];
    draft.values[name] = withoutPassword(url);
    const instead = INSTEAD[placeOf(draft, [name]).kind];
    return instead === undefined ? [] : [`${describePlace(draft, [name])} holds a password: ${instead}`];
  });
}

const ELSEWHERE = 'leave it out there, and say with databasePassword where it is kept';

const INSTEAD: Readonly<Partial<Record<Origin['kind'], string>>> = {
  file: ELSEWHERE,
  flag: `others on this machine can read command lines; ${ELSEWHERE}, or set TASKMIRROR_DB to the whole URL`,
};

function holdsPassword(url: string): boolean {
  return isPostgresUrl(url) && urlProblem(url) === null && parsePostgresUrl(url).password !== null;
}

const RANK: Readonly<Record<Origin['kind'], number>> = { default: 0, file: 1, environment: 2, flag: 3 };

/**
 * Drops `queryDatabase` if `database` comes from a place that overrides its own: it belongs to another mirror
 * then. Returns a problem if the two cannot be the same database.
 */
export function settleQueryDatabase(draft: Draft): string[] {
  const { database, queryDatabase } = draft.values;
  if (queryDatabase === undefined || queryDatabase === null) return [];
  const [origin, own] = [originOf(draft, ['database']), originOf(draft, ['queryDatabase'])];
  if (RANK[origin.kind] > RANK[own.kind]) {
    overlay(draft, ['queryDatabase'], null, origin);
    return [];
  }
  if (typeof database === 'string' && isPostgresUrl(database)) return [];
  const place = describePlace(draft, ['queryDatabase']);
  return [
    `${place} is another way to the database, which has to be in PostgreSQL, too: postgres://USER@HOST:PORT/DATABASE`,
  ];
}
