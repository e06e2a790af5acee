import type { Query } from './connection.ts';

/** Whether the mirror has a full text index, and whether it holds every task. */
export type SearchIndexState = 'none' | 'building' | 'complete';

export async function searchIndexState(query: Query, s: string): Promise<SearchIndexState> {
  const [row] = await query<{ built_through: string | null }>(`select built_through from ${s}search_state`);
  if (row === undefined) return 'none';
  return row.built_through === null ? 'complete' : 'building';
}

/** Returns SQL for whether the index is as it should be: complete, or gone. */
export function isSearchIndexDoneSql(s: string, isWanted: boolean): string {
  const state = `select from ${s}search_state`;
  return isWanted ? `exists (${state} where built_through is null)` : `not exists (${state})`;
}

export async function createSearchIndex(query: Query, s: string): Promise<void> {
  await query(`insert into ${s}search_state (built_through) values ('')`);
}

export async function growSearchIndex(query: Query, s: string): Promise<void> {
  await query(`update ${s}search_state set built_through = null`);
}

export async function dropSearchIndex(query: Query, s: string): Promise<void> {
  await query(`delete from ${s}search_state`);
}
