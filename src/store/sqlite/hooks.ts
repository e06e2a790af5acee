import { randomUUID } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { Clock } from '../../model/clock.ts';
import { LAST_RANK, lastRunOfAll } from '../../model/hook.ts';
import { HOOK_LEASE_MS } from '../../model/lease.ts';
import { utcText } from '../../model/task.ts';
import type { HookClaim, HookFailure, HookReader, HookStore } from '../hooks.ts';
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
import { withFile } from './failure.ts';
import { SqliteHookClaim } from './hook-claim.ts';
import { openDatabase } from './open.ts';
import { openReadOnly } from './readonly.ts';

/** Opens what a mirror knows of hooks, on a connection of its own. Throws DatabaseError if there is no mirror. */
export async function openSqliteHooks(file: string, { clock }: { clock: Clock }): Promise<HookStore> {
  return new SqliteHooks(await openDatabase(file, { create: false }), clock);
}

/** Opens it for reading. Throws DatabaseError. */
export async function openSqliteHookReader(file: string): Promise<HookReader> {
  const db = openReadOnly(file);
  return {
    states: async (names) => withFile(file, () => readStates(db, names)),
    failures: async (limit, hook) => withFile(file, () => readFailures(db, limit, hook)),
    close: async () => void db.close(),
  };
}

function readStates(db: Database.Database, names?: readonly string[]): ReturnType<typeof toHookState>[] {
  const rows = db.prepare<[], HookRow>('select * from hooks order by name').all();
  return rows.filter(({ name }) => names?.includes(name) ?? true).map(toHookState);
}

function readFailures(db: Database.Database, limit: number, hook?: string): HookFailure[] {
  const text = `select * from hook_failures where ? is null or hook = ? order by id desc limit ?`;
  const [name, most] = [hook ?? null, BigInt(limit)];
  return db.prepare<unknown[], HookFailureRow>(text).all(name, name, most).map(toHookFailure);
}

class SqliteHooks implements HookStore {
  readonly #db: Database.Database;
  readonly #clock: Clock;
  readonly #holder: Holder;

  constructor(db: Database.Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#holder = thisProcess(clock);
  }

  states: HookStore['states'] = async (names) => this.#within(() => readStates(this.#db, names));

  failures: HookStore['failures'] = async (limit, hook) =>
    this.#within(() => readFailures(this.#db, limit, hook));

  begin: HookStore['begin'] = async (names, { seq, rank, runs }) => {
    const known = new Set((await this.states(names)).map(({ hook }) => hook));
    const fresh = names.filter((name) => !known.has(name));
    if (fresh.length === 0) return;
    const text = 'insert into hooks (name, seq, rank, run_ids) values (?, ?, ?, ?) on conflict do nothing';
    this.#within(() => {
      const insert = this.#db.prepare(text);
      for (const name of fresh) insert.run(name, BigInt(seq), BigInt(rank), JSON.stringify(runs));
    });
  };

  replay: HookStore['replay'] = async (hook, seq, through) => {
    const text = `update hooks set seq = ?, rank = ${LAST_RANK}, replay_through = ?, digest_through = 0,
      attempts = 0, failing_since = null, next_attempt_at = null, token = null where name = ?`;
    const { changes } = this.#within(() => this.#db.prepare(text).run(BigInt(seq), BigInt(through), hook));
    return changes === 1;
  };

  claim: HookStore['claim'] = async (hook): Promise<HookClaim | null> => {
    const now = this.#clock.now();
    const token = randomUUID();
    const take = this.#db.transaction(() => {
      const row = this.#rowOf(hook);
      if (row === undefined || !this.#isFree(row, now)) return undefined;
      const text =
        'update hooks set token = ?, pid = ?, host = ?, claimed_at = ?, renewed_at = ? where name = ?';
      const { pid, host } = this.#holder;
      this.#db.prepare(text).run(token, BigInt(pid), host, utcText(now), utcText(now), hook);
      return row;
    });
    const row = this.#within(() => take.immediate());
    if (row === undefined) return null;
    return new SqliteHookClaim({ db: this.#db, clock: this.#clock, token, state: toHookState(row) });
  };

  backfills: HookStore['backfills'] = async () => {
    const sql = backfillsSql('', (time) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${time}, '+1 second')`);
    const rows = this.#within(() =>
      this.#db.prepare<[], { source: string; through: string | null; unfinished: number }>(sql).all(),
    );
    return new Map(rows.map(({ source, through, unfinished }) => [source, unfinished > 0 ? null : through]));
  };

  settledRuns: HookStore['settledRuns'] = async (after, limit) => {
    const text = `with place as (select key as source, value as id from json_each(?))
      select id, source, kind, started_at, finished_at, outcome, error from sync_runs r
      where ${SETTLED} and finished_at is not null
        and id >= coalesce((select max(b.id) from sync_runs b where b.source = r.source and b.${SETTLED}
          and b.id <= coalesce((select p.id from place p where p.source = r.source), ?)), 0)
      order by id limit ?`;
    return this.#within(() =>
      this.#db
        .prepare<unknown[], SettledRunRow>(text)
        .all(JSON.stringify(after), BigInt(lastRunOfAll(after)), BigInt(limit))
        .map(toSettledRun),
    );
  };

  lastRuns: HookStore['lastRuns'] = async () => {
    const text = `select source, max(id) as id from sync_runs where ${SETTLED} group by source`;
    const rows = this.#within(() => this.#db.prepare<[], { source: string; id: number }>(text).all());
    return Object.fromEntries(rows.map(({ source, id }) => [source, id]));
  };

  isNewErrorGroup: HookStore['isNewErrorGroup'] = async (group, { id, seq }) => {
    const text = `select 1 from tasks t where t.error_group = ? and t.id <> ?
      and coalesce((select max(c.seq) from task_changes c where c.task_id = t.id and c.field = 'error'),
        t.added_seq) < ? limit 1`;
    return this.#within(() => this.#db.prepare(text).get(group, id, BigInt(seq))) === undefined;
  };

  async close(): Promise<void> {
    this.#db.close();
  }

  #rowOf(hook: string): (HookRow & { renewed_at: string | null }) | undefined {
    const text = 'select * from hooks where name = ?';
    return this.#db.prepare<[string], HookRow & { renewed_at: string | null }>(text).get(hook);
  }

  #isFree(row: HookRow & { renewed_at: string | null }, now: number): boolean {
    if (row.token === null || deadHookToken(row, this.#holder) !== null) return true;
    return Math.abs(now - Date.parse(row.renewed_at ?? '')) > HOOK_LEASE_MS;
  }

  #within<T>(work: () => T): T {
    return withFile(this.#db.name, work);
  }
}
