import type Database from 'better-sqlite3';
import {
  type Compilable,
  DefaultQueryExecutor,
  QueryCreator,
  SqliteAdapter,
  SqliteQueryCompiler,
} from 'kysely';
import { type Stored, type Tables, toStored } from './tables.ts';

/** The place of a parameter in a query that is compiled once and bound many times. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A query builder that only compiles. A whole Kysely would take longer to load. */
const compiler = new QueryCreator<Tables>({
  executor: new DefaultQueryExecutor(new SqliteQueryCompiler(), new SqliteAdapter(), {
    provideConnection: () => Promise.reject(new Error('This executor only compiles.')),
  }),
});

export interface Statement<P, R> {
  all(parameters: P): R[];
  get(parameters: P): R | undefined;
  /** Returns the number of rows changed. */
  run(parameters: P): number;
}

/**
 * Prepares a query. Kysely compiles it once, better-sqlite3 runs it prepared: through Kysely every call would
 * compile and prepare again. Both happen at its first use, since a run needs few of all statements. `build`
 * gets the typed query builder, and `param`, which stands for a value given at each call: true and false are
 * bound as 1 and 0.
 */
export function prepare<P extends object, R>(
  db: Database.Database,
  build: (
    query: QueryCreator<Tables>,
    param: <K extends keyof P & string>(name: K) => Stored<P[K]>,
  ) => Compilable<R>,
): Statement<P, R> {
  let prepared: Prepared<P, R> | undefined;
  const ready = (): Prepared<P, R> => (prepared ??= prepareNow(db, build));
  return {
    all: (values) => ready().statement.all(...ready().bind(values)),
    get: (values) => ready().statement.get(...ready().bind(values)),
    run: (values) => ready().statement.run(...ready().bind(values)).changes,
  };
}

interface Prepared<P, R> {
  statement: Database.Statement<unknown[], R>;
  bind: (values: P) => unknown[];
}

function prepareNow<P extends object, R>(
  db: Database.Database,
  build: (
    query: QueryCreator<Tables>,
    param: <K extends keyof P & string>(name: K) => Stored<P[K]>,
  ) => Compilable<R>,
): Prepared<P, R> {
  // The builder takes the placeholder for a value and returns it in `parameters`.
  const param = <K extends keyof P & string>(name: K) => new Placeholder(name) as unknown as Stored<P[K]>;
  const { sql, parameters } = build(compiler, param).compile();
  const names = parameters.map((slot) => (slot instanceof Placeholder ? (slot.name as keyof P) : null));
  // Filled again for each call, and read before it returns.
  const bound: unknown[] = [...parameters];
  return {
    statement: db.prepare<unknown[], R>(sql),
    bind: (values) => {
      names.forEach((name, index) => {
        if (name !== null) bound[index] = toStored(values[name]);
      });
      return bound;
    },
  };
}
