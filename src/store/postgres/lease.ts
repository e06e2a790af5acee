import { randomBytes } from 'node:crypto';
import { LeaseHeldError } from '../../model/errors.ts';
import { LEASE_MS } from '../../model/lease.ts';
import type { SourceIdentity } from '../../model/run.ts';
import type { Holder } from '../sql/holder.ts';
import type { Database, Query } from './connection.ts';
import { SCHEMA_VERSION } from './identity.ts';
import {
  openTaskOf,
  type OpenTaskRow,
  openTasksSql,
  stateOf,
  type StateRow,
  stateSql,
} from './source-state.ts';
import type { OpenTask, SourceState } from '../store.ts';

/**
 * Returns the first CTE of every write, `lease`. It locks the lease's row until the end of the transaction,
 * and has a row only if the token is still there, the database has exactly the writes that this holder knows
 * to be committed, and the schema is still the one that this program knows. After a failover that lost
 * commits, after another process took the source over, or after a newer program migrated the schema, it is
 * empty, and so is everything that depends on it.
 *
 * $1 source, $2 token, $3 the ms by which the lease's clock is ahead of the database's, $4 the writes. With
 * `release`, SQL for a boolean, the same statement gives the lease up if that is true.
 */
export function leaseCte(s: string, release = 'false'): string {
  return `lease as materialized (
    update ${s}leases set
      renewed_at = clock_timestamp() + $3::bigint * interval '1 ms',
      writes = writes + 1,
      token = case when ${release} then null else token end
    where source = $1 and token = $2 and writes = $4::bigint
      and (select count(*) from ${s}kysely_migration) = ${SCHEMA_VERSION}
    returning token is null as released
  )`;
}

/** The process that asks for a lease, and how. */
export interface LeaseDeps {
  db: Database;
  /** The quoted name of the schema with a dot. */
  s: string;
  holder: Holder;
  /** UTC text. */
  now: string;
  /** The ms by which the leases' clock is ahead of the database's: for tests. */
  offset: number;
}

/** A row of `leases`. */
export interface LeaseRow {
  token: string | null;
  pid: number | null;
  host: string | null;
  acquired_at: string | null;
}

/** The result of an attempt to take a lease. */
export interface Taken {
  /** The schema's version: the number of its migrations. */
  version: number;
  /** The base URL of the source; null if it was not known. */
  base_url: string | null;
  /** Null if the lease was not taken. */
  token: string | null;
  run: number;
  /** Commits under earlier leases of this source and under this one. */
  writes: number;
  /** The newest run before this one; null if there is none, undefined if that has changed meanwhile. */
  before: number | null | undefined;
  state: SourceState;
  /** The open tasks of the source, as {@link OpenTask}s of the same moment. */
  openTasks: OpenTask[];
  /** Fields that are known not to be kept any more. */
  cleared: string[];
}

/**
 * Takes the lease of a source in one statement, if the schema has this `version` and the source this base URL
 * or none: registers the source, closes runs that dead processes left open, and opens the record of a run.
 * Takes a lease that has run out by the database's clock, or the one with the token `dead`.
 *
 * Whoever writes under the old token holds the lease's row lock meanwhile: a locked row is passed over.
 */
export async function takeLease(
  { db, s, holder, now, offset }: LeaseDeps,
  { name, baseUrl }: SourceIdentity,
  { version, dead }: { version: number; dead: string | null },
): Promise<Taken> {
  const token = randomBytes(16).toString('hex');
  const [row] = await db.query<TakenRow>(takeSql(s), [
    name,
    baseUrl,
    now,
    token,
    holder.pid,
    holder.host,
    offset,
    dead,
    LEASE_MS,
    version,
    'the process ended during this run',
  ]);
  if (row === undefined) throw new Error('A statement without a result.');
  const { run, writes } = row;
  const state = row.is_stale === true ? await readState(db, s, name) : stateOf(row);
  return {
    version: row.version,
    base_url: row.base_url,
    token: run === null ? null : token,
    run: run ?? 0,
    writes: writes ?? 0,
    before: row.is_stale === true ? undefined : row.before,
    state,
    openTasks: (JSON.parse(row.open_tasks ?? '[]') as OpenTaskRow[]).map(openTaskOf),
    cleared: row.cleared ?? [],
  };
}

interface TakenRow extends StateRow {
  version: number;
  base_url: string | null;
  run: number | null;
  writes: number | null;
  before: number | null;
  is_stale: boolean | null;
  /** JSON text of {@link OpenTaskRow}s; null: none. */
  open_tasks: string | null;
  cleared: string[] | null;
}

/**
 * $1 source, $2 base URL, $3 now, $4 token, $5 pid, $6 host, $7 offset, $8 the dead token, $9 the time to live,
 * $10 the version, $11 the error of closed runs. `is_stale`: a commit came between the statement's snapshot and
 * the lock, so that the state that it read is older than the lease.
 */
function takeSql(s: string): string {
  return `with known as materialized (
    select (select count(*) from ${s}kysely_migration) as version,
      (select base_url from ${s}sources where name = $1) as base_url
  ),
  wanted as materialized (
    select $1::text as source from known where version = $10::bigint and coalesce(base_url, $2) = $2
  ),
  registered as (
    insert into ${s}sources (name, base_url, registered_at)
    select source, $2, $3::timestamptz from wanted on conflict (name) do nothing
  ),
  mine as materialized (
    select source, $4::text as token, $5::bigint as pid, $6::text as host, $3::timestamptz as acquired_at,
      clock_timestamp() + $7::bigint * interval '1 ms' as renewed_at
    from wanted
  ),
  free as materialized (
    select l.source, l.writes from ${s}leases l join mine m on m.source = l.source
    where l.token is null or l.token = $8
      or abs(extract(epoch from m.renewed_at - l.renewed_at)) * 1000 > $9::bigint
    for no key update of l skip locked
  ),
  taken as (
    update ${s}leases l set token = m.token, pid = m.pid, host = m.host, acquired_at = m.acquired_at,
      renewed_at = m.renewed_at, writes = l.writes + 1
    from mine m, free where l.source = free.source
    returning l.writes
  ),
  made as (
    insert into ${s}leases (source, token, pid, host, acquired_at, renewed_at)
    select source, token, pid, host, acquired_at, renewed_at from mine
    where not exists (select from ${s}leases where source = $1) on conflict (source) do nothing
    returning writes
  ),
  held as materialized (select writes from taken union all select writes from made),
  closed as (
    update ${s}sync_runs set finished_at = $3::timestamptz, outcome = 'interrupted', error = $11
    where source = $1 and finished_at is null and exists (select from held)
  ),
  started as (
    insert into ${s}sync_runs (source, kind, started_at)
    select $1, 'incremental', $3::timestamptz from held returning id
  )
  select known.version, known.base_url, (select id from started) as run, (select writes from held) as writes,
    (select max(id) from ${s}sync_runs where source = $1) as before,
    (select l.writes <> free.writes from free, ${s}leases l where l.source = free.source) as is_stale,
    (select array_agg(field) from ${s}omitted_fields where stage = 'cleared') as cleared,
    (select json_agg(open)::text from (${openTasksSql(s)}) as open) as open_tasks, state.*
  from known left join (${stateSql(s, '$1')}) as state on true`;
}

/** Reads a source's state. */
export async function readState(db: Database, s: string, source: string): Promise<SourceState> {
  const [row] = await db.query<StateRow>(stateSql(s, '$1'), [source]);
  return stateOf(row);
}

/**
 * Returns the lease of a source while somebody has it. Waits for whoever is writing that row, so that it is
 * known after a race for a free lease who won.
 */
export async function readLease(
  query: Query,
  s: string,
  source: string,
): Promise<(LeaseRow & { token: string }) | undefined> {
  const [row] = await query<LeaseRow>(
    `select token, pid, host, acquired_at from ${s}leases where source = $1 for share`,
    [source],
  );
  return row === undefined || row.token === null ? undefined : { ...row, token: row.token };
}

/** Returns the token of a lease whose process on this host is certainly dead; null: it may live. */
export function deadToken(lease: LeaseRow | undefined, holder: Holder): string | null {
  if (lease === undefined || lease.host !== holder.host || lease.pid === null) return null;
  const isDead =
    lease.pid === holder.pid
      ? Date.parse(lease.acquired_at ?? '') < holder.startedAt
      : !holder.isAlive(lease.pid);
  return isDead ? lease.token : null;
}

/** Returns the error for a source that a live process holds. */
export function heldError(source: string, { pid, host, acquired_at }: LeaseRow): LeaseHeldError {
  const since = acquired_at ?? '';
  return new LeaseHeldError(
    'lease_held',
    { source, pid: pid ?? 0, host, since },
    `source "${source}" is being synced by process ${pid} on ${host}, since ${since}`,
  );
}

export function lostError(source: string): LeaseHeldError {
  return new LeaseHeldError(
    'lease_lost',
    { source },
    `the lease of source "${source}" was lost: another process took it over`,
  );
}
