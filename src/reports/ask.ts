import type { Cell, Rows } from '../store/queryable.ts';
import type { Ask, Dialect, Filter, Parameters, Reportable, Value } from '../store/reportable.ts';

/** The parts of a mirror that reports use. */
export interface Asked {
  ask: Ask;
  dialect: Dialect;
}

/** Wraps a mirror for reports: they count in plain numbers, not in bigint. */
export function askedOf(mirror: Pick<Reportable, 'run' | 'dialect'>): Asked {
  return {
    dialect: mirror.dialect,
    async ask(sql, parameters) {
      const rows = await allRows(await mirror.run(sql, parameters));
      return rows.map((row) => row.map(plain));
    },
  };
}

/** Returns all rows of a result that is known to be short. */
export async function allRows({ batches }: Rows): Promise<(readonly Cell[])[]> {
  const rows: (readonly Cell[])[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
}

function plain(cell: Cell): Value {
  if (typeof cell === 'bigint' || typeof cell === 'boolean') return Number(cell);
  return cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : cell;
}

/** The tasks that a report covers, and its settings. */
export interface Scope {
  /**
   * Bounds of creation, `since` inclusive and `until` exclusive: UTC text; null: none, or the report's own.
   */
  since: string | null;
  until: string | null;
  user: string | null;
  status: string | null;
  /** Most rows of each list; null: the report's own default. */
  limit: number | null;
  /** IANA name of the time zone of days and hours. */
  timezone: string;
  /** ms since the epoch: the end of every age. */
  now: number;
}

/**
 * Selects the live tasks of a scope and of `conditions`. The clause names only given bounds, so that indexes
 * fit it.
 */
export function tasksOf(scope: Partial<Scope>, ...conditions: string[]): Filter {
  return filterOf(scope, conditions, '');
}

/**
 * Does the same for a statement that groups by the first column of another index. To scan such an index, if
 * it covers the query, costs less than to search one for the scope and then read each row.
 */
export function unsearchedTasksOf(
  { unsearched }: Dialect,
  scope: Partial<Scope>,
  ...conditions: string[]
): Filter {
  return filterOf(scope, conditions, unsearched);
}

function filterOf(scope: Partial<Scope>, conditions: readonly string[], unsearched: string): Filter {
  const { since = null, until = null, user = null, status = null } = scope;
  const bounds = [
    ['since', 'created_at >= :since', since],
    ['until', 'created_at < :until', until],
    ['user', 'username = :user', user],
    ['status', 'status = :status', status],
  ] as const;
  const given = bounds.filter(([, , value]) => value !== null);
  const terms = given.map(([, condition]) => unsearched + condition);
  return {
    where: ['removed_at is null', ...terms, ...conditions].join(' and '),
    parameters: Object.fromEntries(given.map(([name, , value]) => [name, value])),
  };
}

/** Returns the value of `limit :limit`. */
export function rowsAtMost(limit: number | null, otherwise: number): Parameters {
  return { limit: BigInt(limit ?? otherwise) };
}
