import { openConnection } from './client.ts';
import type { Database, Query } from './connection.ts';
import { explain } from './failure.ts';
import type { PostgresTarget } from './target.ts';

/** Time in ms for one answer: counting a large table on a busy server takes minutes. */
const ANSWER_MS = 1_800_000;

/** Runs one statement and returns its rows as arrays. */
export type Ask = (text: string, values?: readonly unknown[]) => Promise<unknown[][]>;

/** One connection for all of a copy: so that its transaction can go on between two questions. */
export interface CopyConnection extends Pick<Database, 'name' | 'query'> {
  readonly ask: Ask;
  end(): Promise<void>;
}

/** Connects. Throws DatabaseError. */
export async function connectToCopy(target: PostgresTarget): Promise<CopyConnection> {
  const { client, name } = await openConnection(target);
  const limit = { query_timeout: ANSWER_MS };
  const query: Query = async <R>(text: string, values: readonly unknown[] = []) => {
    try {
      const { rows } = await client.query({ text, values: [...values], ...limit });
      return rows as R[];
    } catch (error) {
      throw explain(error, name);
    }
  };
  const ask: Ask = async (text, values = []) => {
    try {
      const { rows } = await client.query<unknown[]>({
        text,
        values: [...values],
        rowMode: 'array',
        ...limit,
      });
      return rows;
    } catch (error) {
      throw explain(error, name);
    }
  };
  return { name, query, ask, end: () => client.end() };
}
