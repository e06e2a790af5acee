import type { connect } from '../../../src/store/postgres/connection.ts';
import type { openFeed } from '../../../src/store/postgres/feed.ts';
import type { openStoreOn } from '../../../src/store/postgres/store.ts';
import type { PostgresTarget } from '../../../src/store/postgres/target.ts';
import type { syncSource } from '../../../src/sync/sync.ts';
import { plant, type Planted, type PlantedCore } from '../plant.ts';
import { createPostgresPlace } from './place.ts';

const COMMIT_SQL = 'src/store/postgres/commit-sql.ts';
const KNOWN = 'src/store/postgres/known.ts';

/** Faults of a store in PostgreSQL that the simulator has to find, as changes to its lines. */
export const PLANTED: readonly Planted[] = [
  {
    name: 'a ledger in another transaction than its rows',
    seed: 3,
    changes: [
      {
        file: 'src/store/postgres/claim.ts',
        from: 'const { rowNumbers, rejectedKeys, ...committed } =',
        to: `if (change.ledger !== undefined)
      await commitStorable(deps, { tasks: [], rejected: [], ledger: change.ledger }, how);
    const { rowNumbers, rejectedKeys, ...committed } =`,
      },
    ],
  },
  {
    name: 'a commit that failed while the walk read on, forgotten',
    seed: 20,
    changes: [
      {
        file: 'src/sync/copier.ts',
        from: 'this.#written.catch(() => {});',
        to: 'this.#written = this.#written.catch(() => {});',
      },
    ],
  },
  {
    name: 'a write without looking at the lease',
    seed: 5,
    changes: [
      {
        file: 'src/store/postgres/lease.ts',
        from: 'where source = $1 and token = $2 and writes = $4::bigint',
        to: "where source = $1 and ($2 <> '' or writes = $4::bigint)",
      },
    ],
  },
  {
    name: 'a lease that a second process gets',
    seed: 20,
    changes: [{ file: 'src/store/postgres/lease.ts', from: 'where l.token is null or', to: 'where true or' }],
  },
  {
    name: 'a task that a source shows forgotten because another one holds it',
    seed: 17,
    changes: [
      {
        file: COMMIT_SQL,
        from: 'from locked where source <> $1 and removed_at is null on conflict',
        to: 'from locked where source <> $1 and removed_at is null and false on conflict',
      },
    ],
  },
  {
    name: 'a task removed though another source shows it',
    seed: 17,
    changes: [
      {
        file: 'src/store/postgres/shared-rows.ts',
        from: 'where target.held and a.source in',
        to: 'where not target.held and a.source in',
      },
    ],
  },
  {
    name: 'a row written only if its activity grew',
    changes: [
      {
        file: COMMIT_SQL,
        from: 'where t.id = i.id\n    returning o.n',
        to: 'where t.id = i.id and i.last_activity_at > t.last_activity_at\n    returning o.n',
      },
    ],
  },
  {
    name: 'an update that keeps the old number',
    changes: [
      {
        file: COMMIT_SQL,
        from: 'removed_at = null, seq = coalesce(',
        to: 'removed_at = null, seq = coalesce(t.seq, ',
      },
    ],
  },
  {
    name: 'a removal that keeps the old number',
    seed: 3,
    changes: [
      {
        file: 'src/store/postgres/shared-rows.ts',
        from: 'seq = c.base + u.nth\n    from numbered u',
        to: 'seq = t.seq\n    from numbered u',
      },
    ],
  },
  {
    name: 'a number that is given again by the next commit',
    changes: [
      {
        file: 'src/store/postgres/numbered.ts',
        from: 'set seq = f.seq + taken.n from',
        to: 'set seq = f.seq + taken.n - taken.n % 3 from',
      },
    ],
  },
  {
    name: 'a task that is known by its id alone',
    changes: [
      { file: KNOWN, from: "${digestSql('t')} = ${nthDigestSql('$6', 'o.n')}", to: '$6::bytea is not null' },
    ],
  },
  {
    name: 'a ledger that moves although not all tasks are known',
    changes: [
      { file: KNOWN, from: '(select count(*) from known) = (select count(*) from offered)', to: 'true' },
    ],
  },
  {
    name: 'a sweep that takes every row for seen',
    seed: 3,
    changes: [
      {
        file: 'src/store/postgres/sweep.ts',
        from: 'this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (number % 8));',
        to: 'this.#bits.fill(255);',
      },
    ],
  },
];

/** Loads the core and the store with the fault in it, for mirrors in this schema. */
export async function loadPlanted(planted: Planted, target: PostgresTarget): Promise<PlantedCore> {
  const { load, remove } = plant(planted);
  const core = (await load('src/sync/sync.ts')) as { syncSource: typeof syncSource };
  const connecting = (await load('src/store/postgres/connection.ts')) as { connect: typeof connect };
  const feeds = (await load('src/store/postgres/feed.ts')) as { openFeed: typeof openFeed };
  const stores = (await load('src/store/postgres/store.ts')) as { openStoreOn: typeof openStoreOn };
  return {
    syncSource: core.syncSource,
    createPlace: () => createPostgresPlace(target, { ...connecting, ...feeds, ...stores }),
    remove,
  };
}
