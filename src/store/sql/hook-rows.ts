import type { HookFailure, HookState, SettledRun } from '../hooks.ts';
import type { Outcome, RunKind } from '../../model/run.ts';
import type { Holder } from './holder.ts';

/** Most events that were given up to keep of each hook. */
export const FAILURES_KEPT = 1_000;

/** Outcomes that say whether a source works. */
export const SETTLED = `outcome in ('ok', 'partial', 'failed')`;

/** A row of `hooks`. */
export interface HookRow {
  name: string;
  seq: number;
  rank: number;
  /** JSON text. */
  run_ids: string;
  replay_through: number;
  digest_through: number;
  attempts: number;
  failing_since: string | null;
  next_attempt_at: string | null;
  last_error: string | null;
  last_delivery_at: string | null;
  delivered: number;
  failed: number;
  set_aside: number;
  token: string | null;
  pid: number | null;
  host: string | null;
  claimed_at: string | null;
}

export function toHookState(row: HookRow): HookState {
  return {
    hook: row.name,
    place: {
      seq: row.seq,
      rank: row.rank,
      runs: JSON.parse(row.run_ids) as Record<string, number>,
    },
    replayThrough: row.replay_through,
    digestThrough: row.digest_through,
    attempts: row.attempts,
    failingSince: row.failing_since,
    nextAttemptAt: row.next_attempt_at,
    lastError: row.last_error,
    lastDeliveryAt: row.last_delivery_at,
    delivered: row.delivered,
    failed: row.failed,
    setAside: row.set_aside,
  };
}

/** A row of `hook_failures`. */
export interface HookFailureRow {
  hook: string;
  event_id: string;
  type: string;
  seq: number | null;
  source: string | null;
  task_id: string | null;
  given_up_at: string;
  reason: string;
}

export function toHookFailure(row: HookFailureRow): HookFailure {
  return {
    hook: row.hook,
    eventId: row.event_id,
    type: row.type,
    seq: row.seq,
    source: row.source,
    taskId: row.task_id,
    givenUpAt: row.given_up_at,
    reason: row.reason,
  };
}

/** A row of `sync_runs`, as far as hooks are told of it. */
export interface SettledRunRow {
  id: number;
  source: string;
  kind: string;
  started_at: string;
  finished_at: string;
  outcome: string;
  error: string | null;
}

export function toSettledRun(row: SettledRunRow): SettledRun {
  return {
    id: row.id,
    source: row.source,
    kind: row.kind as RunKind,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    outcome: row.outcome as Outcome,
    error: row.error,
  };
}

/** Returns the token of a lease whose process on this host is certainly dead; null: it may live. */
export function deadHookToken(
  row: Pick<HookRow, 'token' | 'pid' | 'host' | 'claimed_at'>,
  holder: Holder,
): string | null {
  if (row.token === null || row.pid === null || row.host !== holder.host) return null;
  const isDead =
    row.pid === holder.pid ? Date.parse(row.claimed_at ?? '') < holder.startedAt : !holder.isAlive(row.pid);
  return isDead ? row.token : null;
}

/**
 * SQL of the moment up to which each source's first backfill lasted: its runs of that kind, and those up to its
 * first success, whatever their kind. Of a source whose first run is no longer recorded, its first success is
 * long past. `open`: one of them has not ended. `s`: the name of the schema with a dot; `margin`: SQL for a
 * moment a little after a time.
 */
export function backfillsSql(s: string, soonAfter: (time: string) => string): string {
  return `with first as (
      select r.source, min(r.id) as id from ${s}sync_runs r group by r.source
    ),
    whole as (
      select f.source from first f
      join ${s}sync_runs r on r.id = f.id join ${s}sources s on s.name = f.source
      where r.started_at <= ${soonAfter('s.registered_at')}
    ),
    good as (
      select source, min(id) as id from ${s}sync_runs where outcome in ('ok', 'partial') group by source
    )
    select r.source, max(r.finished_at) as through,
      sum(case when r.finished_at is null then 1 else 0 end) as unfinished
    from ${s}sync_runs r
    left join whole w on w.source = r.source
    left join good g on g.source = r.source
    where r.kind = 'backfill' or (w.source is not null and r.id <= coalesce(g.id, r.id))
    group by r.source`;
}
