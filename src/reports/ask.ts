import type { Cell, Rows } from '../store/queryable.ts';
import type { Ask, Dialect, Filter, Parameters, Reportable, Value } from '../store/reportable.ts';

/** A mirror as reports see it. */
export interface Asked {
  ask: Ask;
  dialect: Dialect;
}

/** Reports count in plain numbers; the integers of a mirror come as bigint. */
export function askedOf(mirror: Pick<Reportable, 'run' | 'dialect'>): Asked {
  return {
    dialect: mirror.dialect,
    async ask(sql, parameters) {
      const rows = await allRows(await mirror.run(sql, parameters));
      return rows.map((row) => row.map(plain));
    },
  };
}

/** Every row of a result that is known to be short. */
export async function allRows({ batches }: Rows): Promise<(readonly Cell[])[]> {
  const rows: (readonly Cell[])[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
}

function plain(cell: Cell): Value {
  if (typeof cell === 'bigint') return Number(cell);
  return cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : cell;
}

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

/** The live tasks of a scope and of `conditions`. Only what the scope names is in the clause, so that indexes fit it. */
export function tasksOf(scope: Partial<Scope>, ...conditions: string[]): Filter {
  return filterOf(scope, conditions, '');
}

/**
 * The same for a statement that groups by what another index begins with: one that holds all it needs is read from end
 * to end, which costs less than to search one for the scope and then read each row.
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

/** The value of `limit :limit`. */
export function rowsAtMost(limit: number | null, otherwise: number): Parameters {
  return { limit: BigInt(limit ?? otherwise) };
}
