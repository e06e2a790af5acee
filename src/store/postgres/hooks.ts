import { randomUUID } from 'node:crypto';
import type { Clock } from '../../model/clock.ts';
import { LAST_RANK, lastRunOfAll } from '../../model/hook.ts';
import { HOOK_LEASE_MS } from '../../model/lease.ts';
import { utcText } from '../../model/task.ts';
import type { HookClaim, HookState, HookStore } from '../hooks.ts';
import { type Holder, thisProcess } from '../sql/holder.ts';
import {
  backfillsSql,
  deadHookToken,
  type HookFailureRow,
  type HookRow,
  SETTLED,
  type SettledRunRow,
  toHookFailure,
  toHookState,
  toSettledRun,
} from '../sql/hook-rows.ts';
import { connect, type Database } from './connection.ts';
import { PostgresHookClaim } from './hook-claim.ts';
import { assertVersion, versionOf } from './identity.ts';
import { prefixOf } from './names.ts';
import { decodeNul, encodeNul } from './nul.ts';
import type { PostgresTarget } from './target.ts';

export interface HookStoreOptions {
  clock: Clock;
  /** The ms by which the leases' clock is ahead of the database's: for tests. */
  leaseOffset?: () => number;
}

/**
 * Opens what a mirror knows of hooks, to deliver or to read. Connects when something is asked. Throws
 * DatabaseError.
 */
export async function openPostgresHooks(
  target: PostgresTarget,
  options: HookStoreOptions,
): Promise<HookStore> {
  const db = connect(target, { max: 2 });
  try {
    assertVersion(db, target.schema, await versionOf(db, target.schema));
  } catch (error) {
    await db.end();
    throw error;
  }
  return new PostgresHooks(db, prefixOf(target.schema), options);
}

const decoded = (text: string | null): string | null => (text === null ? null : decodeNul(text));

function stateOf(row: HookRow): HookState {
  return toHookState({ ...row, last_error: decoded(row.last_error) });
}

class PostgresHooks implements HookStore {
  readonly #db: Database;
  readonly #s: string;
  readonly #clock: Clock;
  readonly #offset: () => number;
  readonly #holder: Holder;

  constructor(db: Database, s: string, { clock, leaseOffset = () => 0 }: HookStoreOptions) {
    this.#db = db;
    this.#s = s;
    this.#clock = clock;
    this.#offset = leaseOffset;
    this.#holder = thisProcess(clock);
  }

  states: HookStore['states'] = async (names) => {
    const rows = await this.#db.query<HookRow>(
      `select * from ${this.#s}hooks where $1::text[] is null or name = any ($1::text[]) order by name`,
      [names ?? null],
    );
    return rows.map(stateOf);
  };

  failures: HookStore['failures'] = async (limit, hook) => {
    const rows = await this.#db.query<HookFailureRow>(
      `select * from ${this.#s}hook_failures where $1::text is null or hook = $1 order by id desc limit $2`,
      [hook ?? null, limit],
    );
    return rows.map((row) =>
      toHookFailure({
        ...row,
        type: decodeNul(row.type),
        task_id: decoded(row.task_id),
        reason: decodeNul(row.reason),
      }),
    );
  };

  begin: HookStore['begin'] = async (names, { seq, rank, runs }) => {
    await this.#db.query(
      `insert into ${this.#s}hooks (name, seq, rank, run_ids)
      select name, $2, $3, $4::json from unnest($1::text[]) as name on conflict (name) do nothing`,
      [names, seq, rank, JSON.stringify(runs)],
    );
  };

  replay: HookStore['replay'] = async (hook, seq, through) => {
    const rows = await this.#db.query(
      `update ${this.#s}hooks set seq = $2, rank = ${LAST_RANK}, replay_through = $3, digest_through = 0,
        attempts = 0, failing_since = null, next_attempt_at = null, token = null
      where name = $1 returning name`,
      [hook, seq, through],
    );
    return rows.length === 1;
  };

  claim: HookStore['claim'] = async (hook): Promise<HookClaim | null> => {
    const [found] = await this.#db.query<HookRow>(`select * from ${this.#s}hooks where name = $1`, [hook]);
    if (found === undefined) return null;
    const token = randomUUID();
    // Judged and taken by one statement, on the database's clock.
    const [row] = await this.#db.query<HookRow>(
      `update ${this.#s}hooks set token = $2, pid = $3, host = $4, claimed_at = $5::timestamptz,
        renewed_at = ${this.#now('$6')}
      where name = $1 and (token is null or token = $7
        or abs(extract(epoch from ${this.#now('$6')} - renewed_at)) * 1000 > ${HOOK_LEASE_MS})
      returning *`,
      [
        hook,
        token,
        this.#holder.pid,
        this.#holder.host,
        utcText(this.#clock.now()),
        this.#offset(),
        deadHookToken(found, this.#holder),
      ],
    );
    if (row === undefined) return null;
    return new PostgresHookClaim({
      db: this.#db,
      s: this.#s,
      offset: this.#offset,
      token,
      state: stateOf(row),
    });
  };

  backfills: HookStore['backfills'] = async () => {
    const rows = await this.#db.query<{ source: string; through: string | null; unfinished: number }>(
      backfillsSql(this.#s, (time) => `${time} + interval '1 second'`),
    );
    return new Map(rows.map(({ source, through, unfinished }) => [source, unfinished > 0 ? null : through]));
  };

  settledRuns: HookStore['settledRuns'] = async (after, limit) => {
    const rows = await this.#db.query<SettledRunRow>(
      `with place as materialized (select key as source, value::bigint as id from json_each_text($1::json))
      select r.id, r.source, r.kind, r.started_at, r.finished_at, r.outcome, r.error
      from ${this.#s}sync_runs r left join place p on p.source = r.source
      where r.${SETTLED} and r.finished_at is not null
        and r.id >= coalesce((select max(b.id) from ${this.#s}sync_runs b
          where b.source = r.source and b.${SETTLED} and b.id <= coalesce(p.id, $3)), 0)
      order by r.id limit $2`,
      [JSON.stringify(after), limit, lastRunOfAll(after)],
    );
    return rows.map((row) => toSettledRun({ ...row, error: decoded(row.error) }));
  };

  lastRuns: HookStore['lastRuns'] = async () => {
    const rows = await this.#db.query<{ source: string; id: number }>(
      `select source, max(id) as id from ${this.#s}sync_runs where ${SETTLED} group by source`,
    );
    return Object.fromEntries(rows.map(({ source, id }) => [source, id]));
  };

  isNewErrorGroup: HookStore['isNewErrorGroup'] = async (group, { id, seq }) => {
    const [row] = await this.#db.query<{ known: boolean }>(
      `select exists (select from ${this.#s}tasks t where t.error_group = $1 and t.id <> $2
        and coalesce((select max(c.seq) from ${this.#s}task_changes c
          where c.task_id = t.id and c.field = 'error'), t.added_seq) < $3) as known`,
      [encodeNul(group), encodeNul(id), seq],
    );
    return row?.known !== true;
  };

  async close(): Promise<void> {
    await this.#db.end();
  }

  /** SQL for the time that leases are judged by. */
  #now(offset: string): string {
    return `(clock_timestamp() + ${offset}::bigint * interval '1 ms')`;
  }
}
