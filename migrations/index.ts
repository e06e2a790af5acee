import type { Migration } from 'kysely/migration';
import * as mirror from './0001_mirror.ts';
import * as analytics from './0002_analytics.ts';
import * as search from './0003_search.ts';
import * as runHoldsSource from './0004_run_holds_source.ts';
import * as keeping from './0005_keeping.ts';

/** Every migration by name, in order. A name that was released is never changed, and neither is what it does. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001_mirror': mirror,
  '0002_analytics': analytics,
  '0003_search': search,
  '0004_run_holds_source': runHoldsSource,
  '0005_keeping': keeping,
};
