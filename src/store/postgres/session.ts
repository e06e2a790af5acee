import type { ClientBase, Pool, PoolClient, QueryResult } from 'pg';
import { explain, isFatal } from './failure.ts';

/** A connection that a pool has lent. Its errors are those of `explain`. */
export interface Session {
  /** Sends a text and awaits its answer, at most for `timeoutMs`; Infinity: for ever. */
  send(text: string, values: readonly unknown[], timeoutMs: number): Promise<QueryResult>;
}

/** Takes a connection out of the pool for `work`, and gives it back, or ends it if it is of no more use. */
export async function withSession<T>(
  pool: Pool,
  server: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const client = await lent(pool, server);
  let lost: Error | undefined;
  // Between two statements nobody else listens, and an error without a listener ends the process.
  const onError = (error: Error): void => {
    lost ??= error;
  };
  client.on('error', onError);
  try {
    return await work({
      async send(text, values, timeoutMs) {
        // Whoever timed out still occupies the connection.
        if (lost !== undefined) throw explain(lost, server);
        try {
          return await ask(client, text, values, timeoutMs);
        } catch (error) {
          if (isFatal(error)) lost ??= error instanceof Error ? error : new Error(String(error));
          throw explain(lost ?? error, server);
        }
      },
    });
  } finally {
    client.off('error', onError);
    client.release(lost);
  }
}

async function lent(pool: Pool, server: string): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw explain(error, server, 'connecting');
  }
}

async function ask(
  client: ClientBase,
  text: string,
  values: readonly unknown[],
  timeoutMs: number,
): Promise<QueryResult> {
  const limit = Number.isFinite(timeoutMs) ? { query_timeout: timeoutMs } : {};
  const answer: QueryResult | QueryResult[] = await client.query({ text, values: [...values], ...limit });
  const last = Array.isArray(answer) ? answer.at(-1) : answer;
  if (last === undefined) throw new Error('The driver gave no result.');
  return last;
}
