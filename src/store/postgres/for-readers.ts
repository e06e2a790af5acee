import type { Database, Query } from './connection.ts';
import type { HeldLease } from './held-lease.ts';
import { type ReaderIndex, readerIndexes } from './reader-indexes.ts';
import {
  createSearchIndex,
  dropSearchIndex,
  growSearchIndex,
  isSearchIndexDoneSql,
  searchIndexState,
  wordsIndex,
} from './search-index.ts';

/** The mirror, and what its readers need. */
export interface ForReaders {
  db: Database;
  /** The quoted name of the schema with a dot. */
  s: string;
  /** Its name. */
  schema: string;
  /** Whether the mirror is to have a full text index. */
  searchIndex: boolean;
}

/** Time for the build of an index or a vacuum, which no other limit bounds, in ms. */
const BUILD_MS = 6 * 3_600_000;

/**
 * Makes what only readers need, step by step, so that a signal gets its turn in between. The database itself
 * records where a step ends: the next run continues there.
 */
export async function makeForReaders(
  parts: ForReaders,
  lease: HeldLease,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const step = await nextStep(parts, lease);
    if (step === null) return;
    await step();
  }
}

/** Returns SQL for whether nothing is left to make. */
export function isMadeForReadersSql({ s, schema, searchIndex }: ForReaders): string {
  const indexes = [...readerIndexes(s), ...(searchIndex ? [wordsIndex(s)] : [])];
  const names = indexes.map(({ name }) => `'${name}'`);
  return `(select count(*) = ${names.length} from ${validIndexes(schema)} and c.relname in (${names.join(', ')}))
    and ${isSearchIndexDoneSql(s, searchIndex)} and exists (select from ${s}reader_state)`;
}

/** Drops all of it; the next run that completes makes it again. */
export async function dropForReaders(query: Query, s: string): Promise<void> {
  await query(`delete from ${s}reader_state`);
  for (const { name } of readerIndexes(s)) await query(`drop index if exists ${s}${name}`);
  await dropSearchIndex(query, s);
}

const validIndexes = (schema: string): string =>
  `pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = '${schema.replaceAll("'", "''")}' and i.indisvalid`;

/** Returns null if nothing is left to do, or another process is doing it. */
async function nextStep(
  { db, s, searchIndex }: ForReaders,
  lease: HeldLease,
): Promise<(() => Promise<void>) | null> {
  const found = await indexesOf(db, s);
  const missing = readerIndexes(s).find(({ name }) => found.states.get(name) !== 'valid');
  if (missing !== undefined)
    return found.isBuilding ? null : () => makeIndex(db, { s, found, lease }, missing);
  const state = await searchIndexState(db.query, s);
  if (!searchIndex && state !== 'none') return () => lease.step((query) => dropSearchIndex(query, s));
  if (searchIndex && state === 'none') return () => lease.step((query) => createSearchIndex(query, s));
  if (searchIndex && state === 'building') return () => lease.step((query) => growSearchIndex(query, s));
  const words = wordsIndex(s);
  if (searchIndex && found.states.get(words.name) !== 'valid') {
    return found.isBuilding ? null : () => makeIndex(db, { s, found, lease }, words);
  }
  const [vacuumed] = await db.query(`select from ${s}reader_state`);
  return vacuumed === undefined ? () => vacuum(db, s, lease) : null;
}

/** The indexes of the large tables of a mirror. */
export interface FoundIndexes {
  /** By their names; `leftover`: its build was cut off. */
  states: ReadonlyMap<string, 'valid' | 'leftover'>;
  /** Some process builds one just now: two at once wait for each other until the server ends one of them. */
  isBuilding: boolean;
}

export async function indexesOf(db: Database, s: string): Promise<FoundIndexes> {
  const rows = await db.query<{ name: string; valid: boolean; building: boolean }>(
    `with large as (select oid from unnest(array[to_regclass($1), to_regclass($2), to_regclass($3)]) as oid)
    select c.relname as name, i.indisvalid as valid, exists (
      select from pg_stat_progress_create_index
      where relid in (select oid from large) and datname = current_database()
    ) as building
    from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid in (select oid from large)`,
    ['tasks', 'task_changes', 'task_search'].map((table) => `${s}${table}`),
  );
  return {
    states: new Map(rows.map(({ name, valid }) => [name, valid ? 'valid' : 'leftover'])),
    isBuilding: rows[0]?.building === true,
  };
}

/** Builds an index while others read and write (postgresql.org/docs/current/sql-createindex.html). */
export async function makeIndex(
  db: Database,
  { s, found, lease }: { s: string; found: FoundIndexes; lease: HeldLease },
  { name, create }: ReaderIndex,
): Promise<void> {
  await lease.renew();
  // One that was left half made is in the way of its name.
  if (found.states.has(name)) {
    await db.query(`drop index concurrently if exists ${s}${name}`, [], { timeoutMs: BUILD_MS });
  }
  await db.query(create, [], { timeoutMs: BUILD_MS });
}

/**
 * Vacuums the tasks once they are all there: until then a reader of an index has to look up in the table itself
 * whether it may see a row (postgresql.org/docs/current/indexes-index-only-scans.html). Later the server does so
 * by itself.
 */
async function vacuum(db: Database, s: string, lease: HeldLease): Promise<void> {
  await lease.renew();
  await db.query(`vacuum (analyze) ${s}tasks`, [], { timeoutMs: BUILD_MS });
  await lease.step((query) =>
    query(
      `insert into ${s}reader_state (vacuumed_at) select now() where not exists (select from ${s}reader_state)`,
    ),
  );
}
