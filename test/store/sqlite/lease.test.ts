import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LeaseHeldError } from '../../../src/model/errors.ts';
import { LEASE_MS } from '../../../src/model/lease.ts';
import type { Holder } from '../../../src/store/sql/holder.ts';
import { takeLease } from '../../../src/store/sqlite/lease.ts';
import { openDatabase } from '../../../src/store/sqlite/open.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/mirror.ts';

/** Processes of two hosts, of which the test says which ones live. */
async function processes() {
  const clock = createFakeClock();
  const db: Database.Database = await openDatabase(join(temporaryFolder(), 'mirror.db'), { create: true });
  onTestFinished(() => void db.close());
  db.exec(
    "insert into sources (name, base_url, registered_at) values ('a', 'https://a.example', '2026-01-01')",
  );
  const living = new Set<number>();
  const take = (pid: number, host = 'here', startedAt = clock.now() - 1_000) => {
    living.add(pid);
    const holder: Holder = { pid, host, startedAt, isAlive: (other) => living.has(other) };
    return takeLease(db, 'a', holder, clock);
  };
  return { clock, db, take, kill: (pid: number) => void living.delete(pid) };
}

describe('a lease', () => {
  test('is held for exactly its time to live', async () => {
    const { clock, take } = await processes();
    const lease = take(1);
    clock.advance(LEASE_MS);
    expect(() => take(2)).toThrow(LeaseHeldError);
    clock.advance(1);
    const next = take(2);
    expect(() => lease.hold()).toThrow(LeaseHeldError);
    expect(() => next.hold()).not.toThrow();
  });

  test('tells who holds it, and since when', async () => {
    const { clock, take } = await processes();
    const since = new Date(clock.now()).toISOString();
    take(1, 'there').hold();
    clock.advance(10_000);
    expect(() => take(2)).toThrow(`source "a" is being synced by process 1 on there, since ${since}`);
  });

  test('of a dead process is free at once on its own host, and on no other', async () => {
    const { take, kill } = await processes();
    take(1);
    kill(1);
    expect(() => take(2, 'there')).toThrow(LeaseHeldError);
    expect(() => take(2)).not.toThrow();
  });

  test('is not taken by a process that got the pid of a dead holder', async () => {
    const { clock, take } = await processes();
    take(1);
    clock.advance(5_000);
    expect(() => take(1, 'here', clock.now() - 6_000)).toThrow(LeaseHeldError);
    expect(() => take(1, 'here', clock.now() - 1_000)).not.toThrow();
  });

  test('that was renewed in what is now the future, before the clock was set back, is free', async () => {
    const { clock, take } = await processes();
    take(1);
    clock.advance(-LEASE_MS);
    expect(() => take(2)).toThrow(LeaseHeldError);
    clock.advance(-1);
    expect(() => take(2)).not.toThrow();
  });
});

describe('the view leases', () => {
  test('shows who holds which source, and changes by SQL like a table', async () => {
    const { clock, db, take } = await processes();
    const now = new Date(clock.now()).toISOString();
    const leases = () => db.prepare('select source, pid, host, acquired_at, renewed_at from leases').all();
    const lease = take(1, 'there');
    const held = { source: 'a', pid: 1, host: 'there', acquired_at: now, renewed_at: now };
    expect(leases()).toEqual([held]);
    db.exec("update leases set pid = 5 where source = 'a'");
    expect(leases()).toEqual([{ ...held, pid: 5 }]);
    expect(() => take(2)).toThrow('process 5 on there');
    db.exec('delete from leases');
    expect(leases()).toEqual([]);
    expect(() => lease.hold()).toThrow(LeaseHeldError);
    db.exec(`insert into leases values ('a', 'x', 7, 'by hand', '${now}', '${now}')`);
    expect(() => take(2)).toThrow('process 7 on by hand');
    clock.advance(LEASE_MS + 1);
    take(2).release();
    expect(leases()).toEqual([]);
  });
});
