import type Database from 'better-sqlite3';
import { LeaseHeldError } from '../../model/errors.ts';
import type { Clock } from '../../model/clock.ts';
import { FRESH_MS, LEASE_MS } from '../../model/lease.ts';
import { utcText } from '../../model/task.ts';
import type { Holder } from '../sql/holder.ts';
import { prepare } from './statement.ts';

/** The right to write one source. Use it inside the transaction that writes. */
export interface Lease {
  /** Id of the run whose record holds the source. */
  readonly run: number;
  /** Throws LeaseHeldError if the lease was lost; renews it if it is no longer fresh. */
  hold(): void;
  release(): void;
}

/**
 * Takes the lease of `source` by opening the record of a run, inside the caller's transaction. Closes a dead
 * process's open runs as interrupted. Throws LeaseHeldError, with the holder's pid and host, while a live
 * process has it.
 */
export function takeLease(db: Database.Database, source: string, holder: Holder, clock: Clock): Lease {
  assertFree(db, source, holder, clock);
  const now = utcText(clock.now());
  const run = prepare<{ source: string; now: string; pid: number; host: string }, { id: number }>(
    db,
    (q, p) =>
      q
        .insertInto('sync_runs')
        .values({
          source: p('source'),
          kind: 'incremental',
          started_at: p('now'),
          requests: 0,
          rows_seen: 0,
          inserted: 0,
          updated: 0,
          unchanged: 0,
          removed: 0,
          rejected: 0,
          pid: p('pid'),
          host: p('host'),
          renewed_at: p('now'),
        })
        .returning('id'),
  ).get({ source, now, pid: holder.pid, host: holder.host });
  return leaseOf(db, source, run?.id ?? 0, clock);
}

/**
 * Throws LeaseHeldError, with the holder's pid and host, while a live process has the lease of `source`.
 * Closes a dead process's open runs as interrupted. Call inside a transaction: nobody takes the lease before
 * it ends.
 */
export function assertFree(db: Database.Database, source: string, holder: Holder, clock: Clock): void {
  const last = prepare<{ source: string }, LeaseRun>(db, (q, p) =>
    q
      .selectFrom('sync_runs')
      .select(['pid', 'host', 'started_at', 'renewed_at', 'finished_at'])
      .where('source', '=', p('source'))
      .orderBy('id', 'desc')
      .limit(1),
  ).get({ source });
  if (last !== undefined && isHeld(last, holder, clock.now())) {
    const { pid, host, started_at: since } = last;
    throw new LeaseHeldError(
      'lease_held',
      { source, pid, host, since },
      `source "${source}" is being synced by process ${pid} on ${host}, since ${since}`,
    );
  }
  if (last !== undefined && isLeftOpen(last)) {
    closeRuns(db, source, { now: utcText(clock.now()), error: 'the process ended during this run' });
  }
}

/** The record of a run, as far as it is the lease of a source. */
export interface LeaseRun {
  pid: number | null;
  host: string | null;
  started_at: string;
  renewed_at: string | null;
  finished_at: string | null;
}

/**
 * Returns whether a live process holds the lease at `now`, in ms, as `holder` sees it: it knows which processes
 * of its host are dead.
 */
export function isHeld(run: LeaseRun, holder: Holder, now: number): run is LeaseRun & { pid: number } {
  if (run.renewed_at === null || run.pid === null) return false;
  // A renewal in the future was written before the clock was set back: it cannot be trusted either.
  const age = now - Date.parse(run.renewed_at);
  if (age > LEASE_MS || age < -LEASE_MS) return false;
  if (run.host !== holder.host) return true;
  if (run.pid === holder.pid) return Date.parse(run.started_at) >= holder.startedAt;
  return holder.isAlive(run.pid);
}

/** Returns whether the process died during the run: else it closes the record and releases the lease. */
function isLeftOpen({ finished_at, renewed_at }: LeaseRun): boolean {
  return finished_at === null || renewed_at !== null;
}

/** Closes all open runs of a source as interrupted, and releases its lease. Call inside a transaction. */
export function closeRuns(
  db: Database.Database,
  source: string,
  { now, error }: { now: string; error: string },
): void {
  prepare<{ source: string; now: string; error: string }, never>(db, (q, p) =>
    q
      .updateTable('sync_runs')
      .set({ finished_at: p('now'), outcome: 'interrupted', error: p('error') })
      .where('source', '=', p('source'))
      .where('finished_at', 'is', null),
  ).run({ source, now, error });
  prepare<{ source: string }, never>(db, (q, p) =>
    q
      .updateTable('sync_runs')
      .set({ pid: null, host: null, renewed_at: null })
      .where('source', '=', p('source'))
      .where('renewed_at', 'is not', null),
  ).run({ source });
}

function leaseOf(db: Database.Database, source: string, run: number, clock: Clock): Lease {
  const select = prepare<{ run: number }, { renewed_at: string | null }>(db, (q, p) =>
    q.selectFrom('sync_runs').select('renewed_at').where('id', '=', p('run')),
  );
  const renew = prepare<{ run: number; now: string }, never>(db, (q, p) =>
    q
      .updateTable('sync_runs')
      .set({ renewed_at: p('now') })
      .where('id', '=', p('run')),
  );
  const release = prepare<{ run: number }, never>(db, (q, p) =>
    q
      .updateTable('sync_runs')
      .set({ pid: null, host: null, renewed_at: null })
      .where('id', '=', p('run'))
      .where('renewed_at', 'is not', null),
  );
  return {
    run,
    hold() {
      const renewedAt = select.get({ run })?.renewed_at ?? null;
      if (renewedAt === null) {
        throw new LeaseHeldError(
          'lease_lost',
          { source },
          `the lease of source "${source}" was lost: another process took it over`,
        );
      }
      const now = clock.now();
      if (Math.abs(now - Date.parse(renewedAt)) >= FRESH_MS) renew.run({ run, now: utcText(now) });
    },
    release() {
      release.run({ run });
    },
  };
}
