import type Database from 'better-sqlite3';
import type { Clock } from '../../model/clock.ts';
import { utcText } from '../../model/task.ts';
import type { HookClaim, HookFailure, HookPlace, HookState, HookTrouble } from '../hooks.ts';
import { FAILURES_KEPT } from '../sql/hook-rows.ts';
import { withFile } from './failure.ts';

export interface SqliteHookClaimDeps {
  db: Database.Database;
  clock: Clock;
  /** Of the lease. */
  token: string;
  state: HookState;
}

const PLACE = 'seq = @seq, rank = @rank, run_ids = @runs, digest_through = 0';
const TROUBLE =
  'attempts = @attempts, failing_since = @since, next_attempt_at = @next, last_error = @error, failed = failed + 1';

type Values = Readonly<Record<string, string | bigint | null>>;

/** A hook under a lease: each write is one statement, or one transaction, that the lease's token fences. */
export class SqliteHookClaim implements HookClaim {
  readonly state: HookState;
  readonly #db: Database.Database;
  readonly #clock: Clock;
  readonly #token: string;

  constructor({ db, clock, token, state }: SqliteHookClaimDeps) {
    this.#db = db;
    this.#clock = clock;
    this.#token = token;
    this.state = state;
  }

  skip: HookClaim['skip'] = async (place) => this.#set(PLACE, valuesOf(place));

  beginDigest: HookClaim['beginDigest'] = async (through) =>
    this.#set('digest_through = @through', { through: BigInt(through) });

  delivered: HookClaim['delivered'] = async (place, at) =>
    this.#set(
      `${PLACE}, attempts = 0, failing_since = null, next_attempt_at = null, last_error = null,
        last_delivery_at = @at, delivered = delivered + 1`,
      { ...valuesOf(place), at },
    );

  failed: HookClaim['failed'] = async (trouble) => this.#set(TROUBLE, ofTrouble(trouble));

  setAside: HookClaim['setAside'] = async (place, failure, trouble) => {
    const work = this.#db.transaction(() => {
      const values = { ...valuesOf(place), ...ofTrouble(trouble) };
      if (!this.#set(`${PLACE}, ${TROUBLE}, set_aside = set_aside + 1`, values)) return false;
      this.#keep(failure);
      return true;
    });
    return withFile(this.#db.name, () => work.immediate());
  };

  release: HookClaim['release'] = async () => {
    this.#set('token = null, pid = null, host = null, claimed_at = null, renewed_at = null', {});
  };

  /** Returns false, having written nothing, if the lease was lost. */
  #set(what: string, values: Values): boolean {
    const renewed = what.includes('renewed_at') ? '' : ', renewed_at = @now';
    const text = `update hooks set ${what}${renewed} where name = @hook and token = @token`;
    const all = { ...values, hook: this.state.hook, token: this.#token, now: utcText(this.#clock.now()) };
    return withFile(this.#db.name, () => this.#db.prepare(text).run(all)).changes === 1;
  }

  #keep(failure: HookFailure): void {
    const text = `insert into hook_failures (hook, event_id, type, seq, source, task_id, given_up_at, reason)
      values (?, ?, ?, ?, ?, ?, ?, ?)`;
    const { hook, eventId, type, seq, source, taskId, givenUpAt, reason } = failure;
    const number = seq === null ? null : BigInt(seq);
    this.#db.prepare(text).run(hook, eventId, type, number, source, taskId, givenUpAt, reason);
    const surplus = `delete from hook_failures where id in
      (select id from hook_failures where hook = ? order by id desc limit -1 offset ${FAILURES_KEPT})`;
    this.#db.prepare(surplus).run(hook);
  }
}

function valuesOf({ seq, rank, runs }: HookPlace): Values {
  return { seq: BigInt(seq), rank: BigInt(rank), runs: JSON.stringify(runs) };
}

function ofTrouble({ attempts, failingSince, nextAttemptAt, lastError }: HookTrouble): Values {
  return { attempts: BigInt(attempts), since: failingSince, next: nextAttemptAt, error: lastError };
}
