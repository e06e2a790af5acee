import type { Query } from './connection.ts';
import type { ReaderIndex } from './reader-indexes.ts';
import { searchFunctions, searchTriggers } from './search-objects.ts';

/** Rows indexed in one transaction: about a second of work, in which nobody else can change these rows. */
const TASKS_AT_ONCE = 2_000;

/** Whether the mirror has a full text index, and whether it holds every task. */
export type SearchIndexState = 'none' | 'building' | 'complete';

export async function searchIndexState(query: Query, s: string): Promise<SearchIndexState> {
  const [row] = await query<{ built_through: string | null }>(`select built_through from ${s}search_state`);
  if (row === undefined) return 'none';
  return row.built_through === null ? 'complete' : 'building';
}

/** Returns SQL for whether the words of all tasks are there, or gone, as is wanted. */
export function isSearchIndexDoneSql(s: string, isWanted: boolean): string {
  const state = `select from ${s}search_state`;
  return isWanted ? `exists (${state} where built_through is null)` : `not exists (${state})`;
}

/** The index of the words, which is built once all of them are there: to keep it up meanwhile would cost more. */
export function wordsIndex(s: string): ReaderIndex {
  const name = 'task_search_words';
  return {
    name,
    create: `create index concurrently if not exists ${name} on ${s}task_search using gin (words)`,
  };
}

/**
 * Makes the index, still empty, with the triggers that keep it up to date from then on. Call in a transaction,
 * like the functions below.
 */
export async function createSearchIndex(query: Query, s: string): Promise<void> {
  // Another source's run may make it at the same moment.
  await query(`lock table ${s}search_state in share row exclusive mode`);
  if ((await searchIndexState(query, s)) !== 'none') return;
  const [known] = await query<{ collation: string | null }>(
    `select max(collname) as collation from pg_catalog.pg_collation
    where collname in ('und-x-icu', 'pg_c_utf8') and collnamespace = 'pg_catalog'::regnamespace`,
  );
  // For the body of a function in SQL, whose names are looked up here and never again.
  await query('set local search_path = pg_catalog, pg_temp');
  await query(
    `create table ${s}task_search (
      task_id text collate "C" primary key references ${s}tasks (id) on delete cascade,
      words tsvector not null
    )`,
  );
  for (const statement of searchFunctions(s, known?.collation ?? null)) await query(statement);
  for (const statement of searchTriggers(s)) await query(statement);
  await query(`insert into ${s}search_state (built_through) values ('')`);
}

/**
 * Indexes the next tasks, in the order of their ids; if there are no more, all of them are there. A task that
 * is written at the same moment is the trigger's, which replaces what this adds.
 */
export async function growSearchIndex(query: Query, s: string): Promise<void> {
  const [state] = await query<{ built_through: string | null }>(
    `select built_through from ${s}search_state for update`,
  );
  const through = state?.built_through ?? null;
  if (through === null) return;
  const [chunk] = await query<{ rows: number; last: string | null }>(
    `select count(*) as rows, max(id) as last
    from (select id from ${s}tasks where id > $1 order by id limit ${TASKS_AT_ONCE}) as chunk`,
    [through],
  );
  const { rows, last } = chunk ?? { rows: 0, last: null };
  if (last !== null) {
    // Locked: a task that is pruned meanwhile is passed over.
    await query(
      `insert into ${s}task_search (task_id, words)
      select id, ${s}task_words(message, system_prompt, error) from (
        select id, message, system_prompt, error from ${s}tasks where id > $1 and id <= $2 for key share
      ) as chunk
      on conflict do nothing`,
      [through, last],
    );
  }
  await query(`update ${s}search_state set built_through = $1`, [rows < TASKS_AT_ONCE ? null : last]);
}

/** Drops the index if there is one. */
export async function dropSearchIndex(query: Query, s: string): Promise<void> {
  const [found] = await query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    `${s}task_search`,
  ]);
  if (found?.found !== true) return;
  await query(`drop trigger if exists task_search_insert on ${s}tasks`);
  await query(`drop trigger if exists task_search_update on ${s}tasks`);
  await query(`drop table ${s}task_search`);
  await query(
    `drop function if exists ${s}task_search_keep(), ${s}task_words(text, text, text), ${s}task_fold(text)`,
  );
  await query(`delete from ${s}search_state`);
}
