import type Database from 'better-sqlite3';
import { LeaseHeldError } from '../errors.ts';
import type { Clock } from '../ports.ts';
import { utcText } from '../sync/task.ts';
import { prepare } from './statement.ts';

/** A lease that was not renewed for this long (ms) is free, whoever held it. */
export const LEASE_MS = 60_000;

/** Who asks for a lease, and how to find out whether another holder on the same host still lives. */
export interface Holder {
  pid: number;
  host: string;
  /** When this process began, ms: a lease under its pid that is older belongs to a dead predecessor. */
  startedAt: number;
  isAlive(pid: number): boolean;
}

/** The right to write one source. To be used inside the transaction that writes. */
export interface Lease {
  /** Throws LeaseHeldError where the lease has been lost; renews it otherwise. */
  hold(): void;
  release(): void;
}

/**
 * Takes the lease of `source`, inside the caller's transaction.
 * Throws LeaseHeldError, with the holder's pid and host, while another living process has it.
 */
export function takeLease(db: Database.Database, source: string, holder: Holder, clock: Clock): Lease {
  const select = prepare<{ source: string }, LeaseRow>(db, (q, p) =>
    q.selectFrom('leases').selectAll().where('source', '=', p('source')),
  );
  const current = select.get({ source });
  if (current !== undefined && isHeld(current, holder, clock.now())) {
    throw new LeaseHeldError(
      `source "${source}" is being synced by process ${current.pid} on ${current.host}, since ${current.acquired_at}`,
      { hint: 'Let it finish. A lease whose process is dead is taken over by itself.' },
    );
  }
  // Of SQLite's randomness: to load node:crypto takes about as long as all else that a claim does.
  const token = db.prepare<[], string>('select hex(randomblob(16))').pluck().get() ?? '';
  const now = utcText(clock.now());
  prepare<LeaseRow, never>(db, (q, p) =>
    q.replaceInto('leases').values({
      source: p('source'),
      token: p('token'),
      pid: p('pid'),
      host: p('host'),
      acquired_at: p('acquired_at'),
      renewed_at: p('renewed_at'),
    }),
  ).run({ source, token, pid: holder.pid, host: holder.host, acquired_at: now, renewed_at: now });
  return leaseOf(db, source, token, clock);
}

interface LeaseRow {
  source: string;
  token: string;
  pid: number;
  host: string;
  acquired_at: string;
  renewed_at: string;
}

function isHeld(lease: LeaseRow, holder: Holder, now: number): boolean {
  // A renewal that lies in the future was written before the clock was set back: it cannot be trusted either.
  const age = now - Date.parse(lease.renewed_at);
  if (age > LEASE_MS || age < -LEASE_MS) return false;
  if (lease.host !== holder.host) return true;
  if (lease.pid === holder.pid) return Date.parse(lease.acquired_at) >= holder.startedAt;
  return holder.isAlive(lease.pid);
}

function leaseOf(db: Database.Database, source: string, token: string, clock: Clock): Lease {
  const renew = prepare<{ source: string; token: string; now: string }, never>(db, (q, p) =>
    q
      .updateTable('leases')
      .set({ renewed_at: p('now') })
      .where('source', '=', p('source'))
      .where('token', '=', p('token')),
  );
  const remove = prepare<{ source: string; token: string }, never>(db, (q, p) =>
    q.deleteFrom('leases').where('source', '=', p('source')).where('token', '=', p('token')),
  );
  return {
    hold() {
      if (renew.run({ source, token, now: utcText(clock.now()) }) === 1) return;
      throw new LeaseHeldError(`the lease of source "${source}" was lost: another process took it over`, {
        hint: 'This process slept for longer than a minute. Nothing was written; the other one goes on.',
      });
    },
    release() {
      remove.run({ source, token });
    },
  };
}
