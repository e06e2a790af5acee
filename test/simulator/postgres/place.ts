import type { connect } from '../../../src/store/postgres/connection.ts';
import type { openFeed } from '../../../src/store/postgres/feed.ts';
import type { openStoreOn } from '../../../src/store/postgres/store.ts';
import type { PostgresTarget } from '../../../src/store/postgres/target.ts';
import { createRandom } from '../../../src/source/simulated/random.ts';
import { createSimulatedTime } from '../clock.ts';
import type { Place } from '../place.ts';
import { createFragile } from './fragile.ts';
import { inspectorOf, TABLES } from './inspector.ts';

/** The part of the store that a place needs: the real one, or one with a fault. */
export interface PostgresParts {
  connect: typeof connect;
  openFeed: typeof openFeed;
  openStoreOn: typeof openStoreOn;
}

/**
 * Creates a place in a schema of its own, which `close` drops. It is made once and emptied for each history.
 * The indexes for readers stay, since to make them takes longer than a history.
 */
export async function createPostgresPlace(target: PostgresTarget, parts: PostgresParts): Promise<Place> {
  const { schema } = target;
  const s = `"${schema}".`;
  // All processes share the connections: to make some for each takes longer than what it does with them.
  const db = parts.connect(target, { max: 8 });
  const fragile = createFragile(db);
  const open: Place['open'] = (clock) =>
    parts.openStoreOn(fragile.db, schema, {
      create: true,
      clock,
      omit: new Set(),
      leaseOffset: () => Math.round(clock.now()),
    });
  await makeIndexes(open);
  const feed = await parts.openFeed(
    target,
    createSimulatedTime(0).clockFor(() => false),
  );
  const deletes = TABLES.map((name) => `delete from ${s}${name}`);
  const empty = [...deletes, `update ${s}feed_state set seq = 0`].join('; ');
  return {
    get wasCut() {
      return fragile.wasCut;
    },
    calm: () => fragile.spoil(null),
    async reset(seed) {
      // To truncate them all takes ten times as long.
      await db.query(empty);
      fragile.spoil(createRandom(seed));
      return inspectorOf(db, schema, feed);
    },
    open,
    async clear() {},
    async close() {
      await feed.close();
      await db.query(`drop schema "${schema}" cascade`);
      await db.end();
    },
  };
}

async function makeIndexes(open: Place['open']): Promise<void> {
  const store = await open(createSimulatedTime(0).clockFor(() => false));
  const claim = await store.claim({ name: 'first', baseUrl: 'http://127.0.0.1' });
  await claim.prepareForReaders(new AbortController().signal);
  await claim.release();
}
