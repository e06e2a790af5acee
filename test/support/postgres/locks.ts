import { onTestFinished } from 'vitest';
import { connect } from '../../../src/store/postgres/connection.ts';
import { targetOf } from './server.ts';

/** A mirror in a server: what a lock is taken in, and what waits for it. */
export interface Place {
  url: string;
  schema: string;
}

/**
 * Runs SQL in a transaction, and keeps its locks until the function that it returns is called, or the test
 * ends.
 */
export async function holdLocks({ url }: Place, sql: string): Promise<() => Promise<void>> {
  const database = connect(targetOf(url), { max: 1 });
  const [held, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = database.transaction(async (query) => {
    await query(sql);
    held.resolve();
    await over.promise;
  });
  holding.catch(held.reject);
  const release = async (): Promise<void> => {
    over.resolve();
    await holding;
    await database.end();
  };
  onTestFinished(release);
  await held.promise;
  return release;
}

/** Resolves when `count` statements about this mirror wait for a lock. */
export async function untilWaiting({ url, schema }: Place, count: number): Promise<void> {
  const database = connect(targetOf(url), { max: 1 });
  try {
    for (;;) {
      const [row] = await database.query<{ waiting: number }>(
        `select count(*) as waiting from pg_stat_activity
        where wait_event_type = 'Lock' and query like $1 and pid <> pg_backend_pid()`,
        [`%"${schema}"%`],
      );
      if ((row?.waiting ?? 0) >= count) return;
    }
  } finally {
    await database.end();
  }
}
