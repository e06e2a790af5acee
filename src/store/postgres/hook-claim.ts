import type { HookClaim, HookPlace, HookState, HookTrouble } from '../hooks.ts';
import { FAILURES_KEPT } from '../sql/hook-rows.ts';
import type { Database } from './connection.ts';
import { encodeNul } from './nul.ts';

export interface PostgresHookClaimDeps {
  db: Database;
  /** The quoted name of the schema with a dot. */
  s: string;
  offset: () => number;
  /** Of the lease. */
  token: string;
  state: HookState;
}

/** A hook under a lease: each write is one statement, which the lease's token fences. */
export class PostgresHookClaim implements HookClaim {
  readonly state: HookState;
  readonly #deps: PostgresHookClaimDeps;

  constructor(deps: PostgresHookClaimDeps) {
    this.#deps = deps;
    this.state = deps.state;
  }

  skip: HookClaim['skip'] = (place) => this.#set(PLACE, ofPlace(place));

  beginDigest: HookClaim['beginDigest'] = (through) => this.#set(['digest_through'], [through]);

  delivered: HookClaim['delivered'] = (place, at) =>
    this.#set(
      [...PLACE, ...TROUBLE, 'last_delivery_at'],
      [...ofPlace(place), 0, null, null, null, at],
      'delivered = delivered + 1',
    );

  failed: HookClaim['failed'] = (trouble) => this.#set(TROUBLE, ofTrouble(trouble), 'failed = failed + 1');

  setAside: HookClaim['setAside'] = async (place, failure, trouble) => {
    const { s, db } = this.#deps;
    const { hook, eventId, type, seq, source, taskId, givenUpAt, reason } = failure;
    const columns = [...PLACE, ...TROUBLE];
    const first = columns.length + 4;
    const n = (at: number): string => `$${first + at}`;
    const text = `with done as (${this.#update(columns, 'failed = failed + 1, set_aside = set_aside + 1')}),
      kept as (
        insert into ${s}hook_failures (hook, event_id, type, seq, source, task_id, given_up_at, reason)
        select name, ${n(0)}, ${n(1)}, ${n(2)}::bigint, ${n(3)}, ${n(4)}, ${n(5)}::timestamptz, ${n(6)} from done
      )
      select name from done`;
    const rows = await db.query(text, [
      ...this.#values([...ofPlace(place), ...ofTrouble(trouble)]),
      eventId,
      encodeNul(type),
      seq,
      source,
      taskId === null ? null : encodeNul(taskId),
      givenUpAt,
      encodeNul(reason),
    ]);
    if (rows.length === 0) return false;
    await db.query(
      `delete from ${s}hook_failures where id in
        (select id from ${s}hook_failures where hook = $1 order by id desc offset ${FAILURES_KEPT})`,
      [hook],
    );
    return true;
  };

  release: HookClaim['release'] = async () => {
    const { s, db, token } = this.#deps;
    await db.query(
      `update ${s}hooks set token = null, pid = null, host = null, claimed_at = null, renewed_at = null
      where name = $1 and token = $2`,
      [this.state.hook, token],
    );
  };

  /** Returns false, having written nothing, if the lease was lost. */
  async #set(columns: readonly string[], values: readonly unknown[], more = ''): Promise<boolean> {
    const rows = await this.#deps.db.query(this.#update(columns, more), this.#values(values));
    return rows.length === 1;
  }

  /** $1 hook, $2 token, $3 offset, then a value for each column. */
  #update(columns: readonly string[], more: string): string {
    const set = columns.map((column, at) => `${column} = $${at + 4}${CASTS[column] ?? ''}`);
    const renewed = `renewed_at = clock_timestamp() + $3::bigint * interval '1 ms'`;
    return `update ${this.#deps.s}hooks set ${[...set, ...(more === '' ? [] : [more]), renewed].join(', ')}
      where name = $1 and token = $2 returning name`;
  }

  #values(values: readonly unknown[]): unknown[] {
    return [this.state.hook, this.#deps.token, this.#deps.offset(), ...values];
  }
}

const PLACE = ['seq', 'rank', 'run_ids', 'digest_through'] as const;
const TROUBLE = ['attempts', 'failing_since', 'next_attempt_at', 'last_error'] as const;
const CASTS: Readonly<Record<string, string>> = {
  run_ids: '::json',
  failing_since: '::timestamptz',
  next_attempt_at: '::timestamptz',
  last_delivery_at: '::timestamptz',
};

function ofPlace({ seq, rank, runs }: HookPlace): unknown[] {
  return [seq, rank, JSON.stringify(runs), 0];
}

function ofTrouble({ attempts, failingSince, nextAttemptAt, lastError }: HookTrouble): unknown[] {
  return [attempts, failingSince, nextAttemptAt, encodeNul(lastError)];
}
