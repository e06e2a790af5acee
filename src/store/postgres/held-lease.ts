import { DatabaseError } from '../../model/errors.ts';
import { type Database, type Query, repeatPassing } from './connection.ts';
import { assertVersion } from './identity.ts';
import { leaseCte, lostError } from './lease.ts';
import { prefixOf } from './names.ts';

/** Runs one statement that begins with {@link leaseCte}; its own values are $5 and following. */
export type Write = <R>(sql: string, values: readonly unknown[]) => Promise<R[]>;

export interface HeldLeaseDeps {
  db: Database;
  schema: string;
  source: string;
  token: string;
  /** The writes that are committed. */
  writes: number;
  /** The ms by which the leases' clock is ahead of the database's: for tests. */
  offset: () => number;
}

/**
 * A lease in this process's hands: the only way to write a source. Every write is fenced by the token and by
 * the number of writes that this process knows to be committed. Throws LeaseHeldError once the lease is lost,
 * and DatabaseError if the schema was migrated, the database lost commits or the connection broke: it is unknown then whether the last
 * write is committed, so no further write of this lease will be.
 */
export class HeldLease {
  readonly #deps: HeldLeaseDeps;
  /** The quoted name of the schema with a dot. */
  readonly #s: string;
  #writes: number;
  /** The writes under way: one after the other, since each names the number of those before it. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: HeldLeaseDeps) {
    this.#deps = deps;
    this.#s = prefixOf(deps.schema);
    this.#writes = deps.writes;
  }

  /** Runs one statement, which is one transaction. It has to return `held`. */
  async write<R>(sql: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.#inTurn(async () => {
      const rows = await this.#fenced<R>(this.#deps.db.query, sql, values, this.#writes);
      this.#writes += 1;
      return rows;
    });
  }

  /** Runs several statements in one transaction, and all of them again if others were in the way. */
  async transaction<T>(work: (write: Write, query: Query) => Promise<T>): Promise<T> {
    const { db } = this.#deps;
    return this.#inTurn(() =>
      repeatPassing(async () => {
        let done = 0;
        const result = await db.transaction((query) =>
          work(async (sql, values) => {
            const rows = await this.#fenced(query, sql, values, this.#writes + done);
            done += 1;
            return rows as never;
          }, query),
        );
        this.#writes += done;
        return result;
      }),
    );
  }

  /** Runs `work` in one transaction under the lease. */
  async step<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.transaction(async (write, query) => {
      await write(`with ${leaseCte(this.#s)} select exists (select from lease) as held`, []);
      return work(query);
    });
  }

  async renew(): Promise<void> {
    await this.write(`with ${leaseCte(this.#s)} select exists (select from lease) as held`);
  }

  /** Gives the lease up. Does nothing if it was lost. */
  async release(): Promise<void> {
    const { db, token } = this.#deps;
    // By the token alone: the source may have another name by now.
    await db.query(`update ${this.#s}leases set token = null where token = $1`, [token]);
  }

  async #fenced<R>(query: Query, sql: string, values: readonly unknown[], writes: number): Promise<R[]> {
    const { source, token, offset } = this.#deps;
    const rows = await query<R & { held: boolean }>(sql, [source, token, offset(), writes, ...values]);
    if (rows[0]?.held !== true) throw await this.#lost(query, writes);
    return rows;
  }

  /**
   * Finds out why nothing was written: another process has the lease, a newer program has migrated the schema,
   * or the database lost commits.
   */
  async #lost(query: Query, writes: number): Promise<Error> {
    const { db, schema, source, token } = this.#deps;
    const [lease] = await query<{ token: string | null; writes: number; version: number }>(
      `select token, writes, (select count(*) from ${this.#s}kysely_migration) as version
      from ${this.#s}leases where source = $1`,
      [source],
    );
    if (lease?.token !== token) return lostError(source);
    assertVersion(db, schema, lease.version);
    return new DatabaseError(
      'server_went_back',
      { server: db.name, expected: writes, found: lease.writes },
      `${db.name} is not where this run left it (${writes} writes; it has ${lease.writes}); nothing was written`,
    );
  }

  /** Runs `work` after the writes before it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
