/**
 * A process that fills a mirror from a list in memory, for tests that kill or stop it: `fork` it with a JSON
 * text of Orders. Sends what came of the run, and ends.
 */
import { flushCompileCache } from 'node:module';
import { systemClock } from '../../../src/platform/clock.ts';
import type { Database } from '../../../src/store/postgres/connection.ts';
import { openStoreOn } from '../../../src/store/postgres/store.ts';
import { runBench } from './run.ts';
import { type Orders, type Told, workersList } from './worker-orders.ts';

const die = (): void => void process.kill(process.pid, 'SIGKILL');
const tell = (told: Told): void => void process.send?.(told);

/** The database, in which the process is hit at a write. */
function fragile(db: Database, { at, how }: Orders): Database {
  let writes = 0;
  const query: Database['query'] = async (text, values, options) => {
    const isHit = text.startsWith('with lease as') && (writes += 1) === at;
    if (isHit && how === 'before') die();
    if (isHit && how === 'wait') {
      tell({ what: 'waits' });
      await new Promise((resolve) => process.once('message', resolve));
    }
    const answer = db.query<never>(text, values, options);
    if (isHit && how === 'sent') setImmediate(() => setImmediate(die));
    const rows = await answer;
    if (isHit && how === 'answered') die();
    return rows;
  };
  return { ...db, query };
}

async function work(orders: Orders): Promise<void> {
  const bench = runBench(orders, {
    clock: systemClock,
    openOn: (db, ...rest) => openStoreOn(fragile(db, orders), ...rest),
  });
  const { failure, report } = await bench.sync(workersList(orders.tasks));
  tell({ what: 'ended', failure: failure instanceof Error ? failure.name : null, outcome: report.outcome });
  process.disconnect();
}

// Who is killed keeps nothing for the next.
flushCompileCache();
await work(JSON.parse(process.argv[2] ?? '') as Orders);
