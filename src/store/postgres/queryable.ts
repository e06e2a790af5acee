import type { CustomTypesConfig } from 'pg';
import { UsageError } from '../../model/errors.ts';
import type { Batch, Queried, Queryable, SqlParameters } from '../queryable.ts';
import { betterType, CELLS, declaredType, typeOfValue } from './cells.ts';
import { openConnection, type OwnConnection } from './client.ts';
import { type Described, describe, type Field } from './description.ts';
import { explain, isFatal } from './failure.ts';
import { assertVersion, versionOf } from './identity.ts';
import { numberParameters } from './named-parameters.ts';
import { explainRead, hasUnclearTypes } from './read-failure.ts';
import { assertReadStatement } from './read-sql.ts';
import { batchesOf, type Bound, boundValue, settingsSql } from './reading.ts';
import type { PostgresTarget } from './target.ts';

export interface QueryableOptions {
  /** Time for a statement and its rows in ms, also while nobody asks for the next; default: the role's limit. */
  timeoutMs?: number;
  /** What becomes of values; default: {@link CELLS}. */
  types?: CustomTypesConfig;
}

type Origin = Queried['origins'][number];

interface Prepared extends Described {
  text: string;
  values: readonly Bound[];
}

const COMPUTED: Origin = { column: null, type: null };

/**
 * Opens a mirror for read-only SQL, on connections of its own. Throws DatabaseError if the server cannot be
 * reached, or holds no mirror that this program knows.
 */
export async function openQueryable(
  target: PostgresTarget,
  options: QueryableOptions = {},
): Promise<Queryable> {
  const queryable = new PostgresQueryable(target, options);
  try {
    await queryable.assertMirror();
    return queryable;
  } catch (error) {
    await queryable.close();
    throw error;
  }
}

class PostgresQueryable implements Queryable {
  readonly #target: PostgresTarget;
  readonly #timeoutMs: number | undefined;
  readonly #types: CustomTypesConfig;
  readonly #settings: string;
  /** Each result that is being read has its own. */
  readonly #connections = new Set<OwnConnection>();
  readonly #idle: OwnConnection[] = [];
  /** The columns of tables by the tables' OIDs. */
  readonly #columns = new Map<number, ReadonlyMap<number, Origin>>();
  #isClosed = false;

  constructor(target: PostgresTarget, { timeoutMs, types = CELLS }: QueryableOptions) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#types = types;
    this.#settings = settingsSql(target.schema, timeoutMs);
  }

  async assertMirror(): Promise<void> {
    const { schema } = this.#target;
    await this.#use(async ({ client, name }) => {
      const query = async <R>(text: string, values: readonly unknown[] = []): Promise<R[]> =>
        (await client.query(text, [...values])).rows as R[];
      assertVersion({ name }, schema, await versionOf({ name, query }, schema));
    });
  }

  async run(sql: string, parameters: SqlParameters = {}, { atMost = Infinity } = {}): Promise<Queried> {
    assertReadStatement(sql);
    return this.#use(async (connection) => {
      const prepared = await this.#prepare(connection, sql, parameters);
      return {
        columns: prepared.fields.map(({ name }) => name),
        origins: await this.#originsOf(connection, prepared.fields),
        batches: this.#batches(sql, prepared, atMost),
      };
    });
  }

  async parametersOf(sql: string): Promise<string[]> {
    assertReadStatement(sql);
    return numberParameters(sql).names;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#connections].map(({ client }) => client.end()));
  }

  async #prepare(connection: OwnConnection, sql: string, parameters: SqlParameters): Promise<Prepared> {
    const { names } = numberParameters(sql);
    const values = names.map((name) => valueOf(parameters, name));
    let types: (string | null)[] = names.map(() => null);
    for (let isLast = false; ; isLast = true) {
      const { text } = numberParameters(sql, (name) => types[names.indexOf(name)] ?? null);
      try {
        const described = await describe(connection.client, this.#settings, text);
        const better = described.parameters.map((type, at) => betterType(type, values[at] ?? null));
        if (isLast || better.every((type) => type === null)) {
          return { ...described, text, values: values.map(boundValue) };
        }
        types = better;
      } catch (error) {
        if (isLast || !hasUnclearTypes(error)) throw await this.#explained(error, connection, sql);
        types = values.map(typeOfValue);
      }
    }
  }

  async *#batches(sql: string, prepared: Prepared, atMost: number): AsyncGenerator<Batch, void> {
    const connection = await this.#take();
    let failure: unknown;
    try {
      const { text, values } = prepared;
      const [settings, types, { client }] = [this.#settings, this.#types, connection];
      yield* batchesOf({ client, settings, text, values, types, atMost });
    } catch (error) {
      failure = error;
      throw await this.#explained(error, connection, sql);
    } finally {
      await this.#giveBack(connection, failure);
    }
  }

  async #originsOf({ client }: OwnConnection, fields: readonly Field[]): Promise<Origin[]> {
    const unknown = fields.map(({ tableID }) => tableID).filter((id) => id !== 0 && !this.#columns.has(id));
    if (unknown.length > 0) {
      const { rows } = await client.query<{ table: number; nth: number; name: string; type: number }>(
        `select attrelid as table, attnum as nth, attname as name, atttypid as type
        from pg_catalog.pg_attribute where attrelid = any ($1::oid[]) and attnum > 0`,
        [[...new Set(unknown)]],
      );
      for (const [table, columns] of Map.groupBy(rows, (row) => row.table)) {
        const origins = columns.map(({ nth, name, type }) => [
          nth,
          { column: name, type: declaredType(type) },
        ]);
        this.#columns.set(table, new Map(origins as [number, Origin][]));
      }
    }
    return fields.map(({ tableID, columnID }) => this.#columns.get(tableID)?.get(columnID) ?? COMPUTED);
  }

  #explained(error: unknown, connection: OwnConnection, sql: string): Promise<unknown> {
    const { schema } = this.#target;
    return explainRead(error, { connection, schema, sql, timeoutMs: this.#timeoutMs });
  }

  async #use<T>(work: (connection: OwnConnection) => Promise<T>): Promise<T> {
    const connection = await this.#take();
    let failure: unknown;
    try {
      return await work(connection);
    } catch (error) {
      failure = error;
      throw explain(error, connection.name);
    } finally {
      await this.#giveBack(connection, failure);
    }
  }

  async #take(): Promise<OwnConnection> {
    if (this.#isClosed) throw new Error('This mirror was closed.');
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const connection = await openConnection(this.#target, { applicationName: 'taskmirror-reader' });
    this.#connections.add(connection);
    return connection;
  }

  async #giveBack(connection: OwnConnection, failure: unknown): Promise<void> {
    const isLost = failure !== undefined && !(failure instanceof UsageError) && isFatal(failure);
    if (!isLost && !this.#isClosed) {
      this.#idle.push(connection);
      return;
    }
    this.#connections.delete(connection);
    await connection.client.end();
  }
}

function valueOf(parameters: SqlParameters, name: string): null | string | number | bigint {
  const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  if (value !== undefined) return value;
  throw new UsageError(
    'sql_parameters',
    {},
    `this SQL cannot be given its parameters: Missing named parameter "${name}"`,
  );
}
