import type { Value } from './report.ts';

/** Values by name for a statement; integers as bigint, because a number would be bound as REAL. */
export type Parameters = Readonly<Record<string, null | string | bigint>>;

/**
 * Runs one SELECT on a mirror and gives its rows, columns in order, integers as numbers. A value of a statement that
 * is beyond 2^53 may lose digits.
 */
export type Ask = (sql: string, parameters: Parameters) => readonly (readonly Value[])[];

/** Which tasks a report is about, and how it looks at them. */
export interface Scope {
  /** Tasks created from `since` up to, but not including, `until`: UTC text; null: no bound, or the report's own. */
  since: string | null;
  until: string | null;
  user: string | null;
  status: string | null;
  /** Rows of each list at most; null: as many as the report finds good. */
  limit: number | null;
  /** IANA name: what days and hours are counted in. */
  timezone: string;
  /** ms since the epoch: what ages are counted to. */
  now: number;
}

/** A WHERE clause with the values that it names. */
export interface Filter {
  where: string;
  parameters: Parameters;
}

/** The live tasks of a scope and of `conditions`. Only what the scope names is in the clause, so that indexes fit it. */
export function tasksOf(scope: Partial<Scope>, ...conditions: string[]): Filter {
  return filterOf(scope, conditions, '');
}

/**
 * The same for a statement that groups by what another index begins with: one that holds all it needs is read from end
 * to end, which costs less than to search one for the scope and then read each row
 * (sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_).
 */
export function unsearchedTasksOf(scope: Partial<Scope>, ...conditions: string[]): Filter {
  return filterOf(scope, conditions, '+');
}

function filterOf(scope: Partial<Scope>, conditions: readonly string[], unary: '' | '+'): Filter {
  const { since = null, until = null, user = null, status = null } = scope;
  const bounds = [
    ['since', 'created_at >= :since', since],
    ['until', 'created_at < :until', until],
    ['user', 'username = :user', user],
    ['status', 'status = :status', status],
  ] as const;
  const given = bounds.filter(([, , value]) => value !== null);
  const terms = given.map(([, condition]) => unary + condition);
  return {
    where: ['removed_at is null', ...terms, ...conditions].join(' and '),
    parameters: Object.fromEntries(given.map(([name, , value]) => [name, value])),
  };
}

/** The value of `limit :limit`. */
export function rowsAtMost(limit: number | null, otherwise: number): Parameters {
  return { limit: BigInt(limit ?? otherwise) };
}
