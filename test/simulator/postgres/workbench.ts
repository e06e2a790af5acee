import { connect } from '../../../src/store/postgres/connection.ts';
import { openFeed } from '../../../src/store/postgres/feed.ts';
import { openStoreOn } from '../../../src/store/postgres/store.ts';
import type { PostgresTarget } from '../../../src/store/postgres/target.ts';
import { createWorkbench } from '../examine.ts';
import { createPostgresPlace } from './place.ts';

/** Creates a bench for the real core with mirrors in this schema, which it makes and drops. */
export function createPostgresWorkbench(target: PostgresTarget): ReturnType<typeof createWorkbench> {
  return createWorkbench(() => createPostgresPlace(target, { connect, openFeed, openStoreOn }));
}
