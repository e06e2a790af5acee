import { Pool } from 'pg';
import { clientWith } from './client.ts';
import { isPassing } from './failure.ts';
import { type Session, withSession } from './session.ts';
import { destinationOf, type PostgresTarget } from './target.ts';

/** Runs SQL. It needs no `this`. */
export type Query = <R>(text: string, values?: readonly unknown[], options?: QueryOptions) => Promise<R[]>;

/** A PostgreSQL database. Errors of the driver and the server are thrown as DatabaseError. */
export interface Database {
  /** For errors and logs: `user@host:port/database`, never a password. */
  readonly name: string;
  /** How often something was sent and its answer awaited. */
  readonly roundTrips: number;
  /**
   * Runs one statement, which is one transaction, and returns its rows. A text without values may hold several
   * statements, which are one transaction together; the rows are then those of the last. Repeats it if other
   * transactions were in the way: nothing was written then.
   */
  readonly query: Query;
  /**
   * Runs `work` in one transaction on one connection, and rolls back if it throws. Read committed, whatever
   * the default of the role is.
   */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /** Closes the connections, each once it is idle. Safe to call twice. */
  end(): Promise<void>;
}

export interface QueryOptions {
  /** Time in ms for the answer; Infinity: for ever. The server may go on with the statement afterwards. */
  timeoutMs?: number;
}

export interface ConnectOptions {
  /** Most connections at a time; 4 by default. Who finds none free waits. */
  max?: number;
  /** Name in pg_stat_activity, if the URL gives none. */
  applicationName?: string;
  /** Time in ms for the answer to a query that sets none of its own; 5 minutes by default. */
  queryTimeoutMs?: number;
}

/** Attempts at what other transactions were in the way of: often, where a role's default is serializable. */
const ATTEMPTS = 100;

const QUERY_TIMEOUT_MS = 300_000;
const IDLE_TIMEOUT_MS = 30_000;

/** Should this host vanish within a transaction, its locks must not last until TCP notices. */
const BEGIN = `begin isolation level read committed; set local idle_in_transaction_session_timeout = '15s'`;

/**
 * Returns the database, and connects when something is asked. Nothing depends on the session, and no statement
 * has a name, so that a pooler may give each transaction another connection. Throws UsageError if the URL
 * cannot be used.
 */
export function connect(target: PostgresTarget, options: ConnectOptions = {}): Database {
  const { max = 4, applicationName = 'taskmirror', queryTimeoutMs = QUERY_TIMEOUT_MS } = options;
  const { name, config } = destinationOf(target, applicationName);
  const pool = new Pool({
    Client: clientWith(config),
    max,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    allowExitOnIdle: true,
  });
  // An idle connection that is lost is no failure: the next statement takes another.
  pool.on('error', () => {});
  let roundTrips = 0;
  let ended: Promise<void> | undefined;
  const within = (session: Session): Query => {
    return async <R>(
      text: string,
      values: readonly unknown[] = [],
      { timeoutMs = queryTimeoutMs }: QueryOptions = {},
    ) => {
      roundTrips += 1;
      const { rows } = await session.send(text, values, timeoutMs);
      return rows as R[];
    };
  };

  return {
    name,
    get roundTrips() {
      return roundTrips;
    },
    query: (...asked) => repeatPassing(() => withSession(pool, name, (session) => within(session)(...asked))),
    transaction: (work) =>
      withSession(pool, name, async (session) => {
        const query = within(session);
        await query(BEGIN);
        let done;
        try {
          done = await work(query);
        } catch (error) {
          // A connection that is lost has rolled back already, and its loss is not the cause.
          await query('rollback').catch(() => {});
          throw error;
        }
        roundTrips += 1;
        const { command } = await session.send('commit', [], queryTimeoutMs);
        // So it answers if a statement failed and `work` went on all the same.
        if (command !== 'COMMIT')
          throw new Error('The transaction was rolled back: a statement of it failed.');
        return done;
      }),
    end: () => (ended ??= pool.end()),
  };
}

/** Repeats `work`, which is one transaction, while others are in its way. */
export async function repeatPassing<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !isPassing(error)) throw error;
    }
  }
}
