import { setImmediate } from 'node:timers/promises';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import type { Database } from '../../../src/store/postgres/connection.ts';
import { explain } from '../../../src/store/postgres/failure.ts';
import { TYPES } from '../../../src/store/postgres/parsers.ts';

const NAME = 'pglite';

/** Arrays that come in binary form: of boolean, bigint, text and timestamptz. */
const BINARY = [1000, 1016, 1009, 1185];

/** The types that `TYPES` reads as our tables need them. */
const PARSED = [20, 114, 1082, 1114, 1184, 1186, 1700, 3802];

/**
 * PostgreSQL compiled to WebAssembly, in this process: one version and one connection, so it stands in for a server only
 * where none can run. Its data are gone with `end`.
 */
export async function createPGlite(): Promise<Database> {
  const parsers = Object.fromEntries(
    PARSED.map((oid) => [oid, (text: string): unknown => TYPES.getTypeParser(oid, 'text')(text)]),
  );
  const lite = await PGlite.create({ parsers });
  const serializers = Object.fromEntries(
    BINARY.map((oid) => {
      const asText = lite.serializers[oid];
      // It takes bytes as well, though its types tell of text alone.
      return [oid, (value: unknown) => (value instanceof Uint8Array ? value : asText?.(value)) as string];
    }),
  );
  let roundTrips = 0;

  const within = (place: PGlite | Transaction): Database['query'] => {
    return async <R>(text: string, values: readonly unknown[] = []) => {
      roundTrips += 1;
      // Answers come from this very thread: without this, nobody else would have a turn between two of them.
      await setImmediate();
      try {
        if (values.length > 0) return (await place.query<R>(text, [...values], { serializers })).rows;
        const results = await place.exec(text);
        return (results.at(-1)?.rows ?? []) as R[];
      } catch (error) {
        throw explain(error, NAME);
      }
    };
  };

  return {
    name: NAME,
    get roundTrips() {
      return roundTrips;
    },
    query: within(lite),
    transaction: (work) => lite.transaction((transaction) => work(within(transaction))),
    end: async () => {
      if (!lite.closed) await lite.close();
    },
  };
}
