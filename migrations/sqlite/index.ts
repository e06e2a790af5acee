import type { Migration } from 'kysely/migration';

/**
 * Every migration by name, in order, to be loaded by whoever runs it: everyone else needs their number only. A name that
 * was released is never changed, and neither is what it does.
 */
export const migrations: Readonly<Record<string, () => Promise<Migration>>> = {
  '0001_mirror': () => import('./0001_mirror.ts'),
  '0002_analytics': () => import('./0002_analytics.ts'),
  '0003_search': () => import('./0003_search.ts'),
  '0004_run_holds_source': () => import('./0004_run_holds_source.ts'),
  '0005_keeping': () => import('./0005_keeping.ts'),
  '0006_rejected_place': () => import('./0006_rejected_place.ts'),
  '0007_feed': () => import('./0007_feed.ts'),
  '0008_hooks': () => import('./0008_hooks.ts'),
};
