/**
 * A process that commits changes of the same few tasks as others do: `fork` it with a JSON text of
 * CommitterOrders. Ends when it has made its commits.
 */
import { createRandom } from '../../../src/source/simulated/random.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store/kit.ts';
import { targetOf } from '../../support/postgres/target.ts';

export interface CommitterOrders {
  url: string;
  schema: string;
  source: string;
  /** Tasks that others show as well. */
  shared: readonly string[];
  commits: number;
  seed: number;
}

const orders = JSON.parse(process.argv[2] ?? '') as CommitterOrders;
const random = createRandom(orders.seed);
const store = await openPostgresStore(targetOf(orders.url, { schema: orders.schema }), {
  create: false,
  clock: systemClock,
  omit: new Set(),
});
const claim = await store.claim({ name: orders.source, baseUrl: `https://${orders.source}.example` });
const own = Array.from({ length: 300 }, (_, i) => `${orders.source}${i}`);
const changed = (id: string) => mirrorTask(id, 0, { messageCount: random.int(0, 99) });
for (let nth = 0; nth < orders.commits; nth += 1) {
  // In any order: what they lock has an order all the same. A large commit takes longer than a small one.
  const shared = random.chance(0.3) ? orders.shared.filter(() => random.chance(0.3)) : [];
  const ids = random.shuffle([...shared, ...own.slice(0, random.pick([1, 300]))]);
  if (random.chance(0.2)) await claim.remove(ids);
  else await claim.commit(changeOf({ tasks: ids.map(changed) }));
}
await claim.release();
await store.close();
process.disconnect();
