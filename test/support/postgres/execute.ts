import { Client, type QueryResult, type QueryResultRow } from 'pg';
import { parsePostgresUrl } from '../../../src/model/postgres-url.ts';

/** Runs SQL on a connection of its own, and returns the rows of the last statement as the driver has them. */
export async function execute<R extends QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<R[]> {
  const { host, port, user, password, database } = parsePostgresUrl(url);
  const client = new Client({
    host,
    port,
    user,
    database,
    ...(password === null ? {} : { password }),
    ssl: false,
  });
  await client.connect();
  try {
    const result: QueryResult<R> | QueryResult<R>[] = await client.query<R>(sql, values);
    return (Array.isArray(result) ? result.at(-1)?.rows : result.rows) ?? [];
  } finally {
    await client.end();
  }
}
