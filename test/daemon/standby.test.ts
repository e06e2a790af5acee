import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { DatabaseError, LeaseHeldError } from '../../src/model/errors.ts';
import type { EndedRun } from '../../src/model/run.ts';
import { apiFailed, keyRefused, leaseHeld } from '../support/errors.ts';
import { at } from '../support/tasks.ts';
import { HOUR, MINUTE, RUN, SECOND, setUp, type Setup } from './held-source.ts';

const OTHERS = 99;
const held = (): LeaseHeldError => leaseHeld('held by process 7');

/** A daemon whose clock only the test moves. */
function onHold(): Setup {
  const setup = setUp();
  setup.clock.hold();
  return setup;
}

/** What it logged for people. */
const said = ({ log }: Setup): [string, string][] =>
  log.lines.flatMap(({ level, message }) => (level === 'debug' ? [] : [[level, message]]));

async function pass({ clock }: Setup, ms: number): Promise<void> {
  clock.advance(ms);
  await settled();
}

/** A run of another process that ended `ago` ms ago. */
const endedAgo = ({ clock }: Setup, ago = 0): EndedRun => ({ id: OTHERS, endedAt: at(clock.now() - ago) });

describe('a source that another process holds', () => {
  test('is looked at every few seconds until it is free; that is said once, and so is the end of it', async () => {
    const setup = onHold();
    const { daemon, a } = setup;
    a.isFree = false;
    daemon.tick();
    for (let looks = 1; looks <= 20; looks += 1) {
      expect(a.begun).toHaveLength(looks);
      await a.end(held());
      daemon.tick();
      expect(a.running).toBe(0);
      await pass(setup, 3 * SECOND);
    }
    a.isFree = true;
    await a.end(held());
    await pass(setup, 3 * SECOND);
    await a.end();
    expect(said(setup)).toEqual([
      ['info', 'held by process 7 on elsewhere since 2026-01-01T00:00:00.000Z; standing by'],
      ['info', 'this process syncs the source now'],
    ]);
  });

  test('is done with once the other has synced it', async () => {
    const setup = onHold();
    const { daemon, a } = setup;
    daemon.tick();
    await a.end(held());
    a.runs = { ...a.runs, success: endedAgo(setup) };
    await pass(setup, HOUR);
    expect(a.begun).toHaveLength(1);
    expect(said(setup)).toHaveLength(1);
  });

  test('is looked at by each process at another moment', async () => {
    const setup = setUp({ random: () => 0.5 });
    setup.daemon.tick();
    setup.clock.hold();
    await setup.a.end(held());
    expect(setup.clock.waits).toEqual([4.5 * SECOND]);
  });

  test('has no pause, and the next failure still counts as the second in a row', async () => {
    const setup = onHold();
    const { daemon, a, log } = setup;
    daemon.tick();
    await a.end(apiFailed('503'));
    await pass(setup, 5 * SECOND);
    daemon.tick();
    await a.end(held());
    await pass(setup, 3 * SECOND);
    await a.end(apiFailed('503'));
    expect(log.lines.at(-1)?.fields).toMatchObject({ failures: 2, pauseMs: 10 * SECOND });
  });

  test('ends no pause for want of a key, unless a new one is tried', async () => {
    const setup = onHold();
    const { daemon, a } = setup;
    daemon.tick();
    await a.end(keyRefused('no'));
    a.newKey = true;
    daemon.tick();
    await settled();
    await a.end(held());
    a.newKey = false;
    await pass(setup, 3 * SECOND);
    expect(a.begun).toHaveLength(3);
  });

  test('that was lost in the middle of a run is left to the other, without a failure', async () => {
    const setup = onHold();
    setup.daemon.tick();
    await setup.a.end(new LeaseHeldError('lease_lost', { source: 'a' }, 'lost'));
    expect(said(setup)).toEqual([['info', 'another process took the source over; standing by']]);
    await pass(setup, 3 * SECOND);
    expect(setup.a.begun).toHaveLength(2);
  });

  test('does not keep the daemon from stopping', async () => {
    const setup = onHold();
    const { daemon, a, b } = setup;
    daemon.tick();
    await b.end();
    await a.end(held());
    await daemon.stop();
    await pass(setup, HOUR);
    expect(a.begun).toHaveLength(1);
  });
});

describe('a slot', () => {
  test('that another process has served is passed over, and from then on this one lets the other go first', async () => {
    const setup = onHold();
    const { daemon, clock, a } = setup;
    a.runs = { ...a.runs, success: endedAgo(setup) };
    daemon.tick(clock.now() - SECOND);
    await settled();
    expect(a.begun).toEqual([]);
    await pass(setup, MINUTE);
    daemon.tick();
    await pass(setup, 3 * SECOND - 1);
    expect(a.begun).toEqual([]);
    await pass(setup, 1);
    expect(a.begun).toEqual([false]);
    await a.end();
    daemon.tick();
    expect(a.begun).toEqual([false, false]);
    expect(said(setup)).toEqual([
      ['info', 'another process keeps the source current; standing by'],
      ['info', 'this process syncs the source now'],
    ]);
  });

  test('is not served by a run that ended before it, by one of this process, or by one of a wrong clock', async () => {
    const setup = onHold();
    const { daemon, clock, a } = setup;
    const ends = [
      endedAgo(setup, 1),
      { id: RUN, endedAt: at(clock.now()) },
      { id: OTHERS, endedAt: at(clock.now() + 61 * SECOND) },
    ];
    for (const success of [null, ...ends]) {
      a.runs = { ...a.runs, success };
      daemon.tick();
      await a.end();
    }
    expect(a.begun).toHaveLength(4);
    expect(said(setup)).toEqual([]);
  });
});

describe('a full slot', () => {
  test('that another process has served is passed over, the next one is not', async () => {
    const setup = onHold();
    const { daemon, clock, a } = setup;
    const slot = clock.now();
    await pass(setup, SECOND);
    a.runs = { ...a.runs, full: endedAgo(setup), success: endedAgo(setup) };
    daemon.tickFull(slot);
    await settled();
    expect(a.begun).toEqual([]);
    await pass(setup, HOUR);
    daemon.tickFull();
    await pass(setup, 3 * SECOND);
    expect(a.begun).toEqual([true]);
  });

  test('that was due while another process held the source is made up for, unless that one did', async () => {
    const setup = onHold();
    const { daemon, a } = setup;
    daemon.tickFull();
    await a.end(held());
    await pass(setup, 3 * SECOND);
    expect(a.begun).toEqual([true, true]);
  });

  test('whose run failed under another process is left to that one for an hour', async () => {
    const setup = onHold();
    const { daemon, a } = setup;
    daemon.tickFull();
    await a.end(held());
    a.runs = { ...a.runs, failedFull: endedAgo(setup) };
    await pass(setup, 3 * SECOND);
    await a.end();
    expect(a.begun).toEqual([true, false]);
    await pass(setup, HOUR);
    daemon.tick();
    expect(a.begun).toEqual([true, false, true]);
  });

  test('is not made up for twice where the total asks for a full run and another process has made one', async () => {
    const setup = onHold();
    const { daemon, a } = setup;
    daemon.tick();
    await a.end(null, { fullAdvised: true });
    a.runs = { ...a.runs, full: endedAgo(setup, HOUR - MINUTE) };
    daemon.tick();
    await settled();
    await a.end(null, { fullAdvised: true });
    await pass(setup, 2 * MINUTE);
    daemon.tick();
    await settled();
    expect(a.begun).toEqual([false, false, true]);
  });
});

describe('a database that cannot be used', () => {
  const server = 'ada@db.example:5432/tasks';
  const unreachable = (): Error => new DatabaseError('server_unreachable', { server }, 'nobody listens');

  test('is tried again after pauses of up to a minute, whatever the schedule', async () => {
    const setup = setUp();
    setup.daemon.tick();
    for (let i = 0; i < 7; i += 1) await setup.a.end(unreachable());
    expect(setup.clock.waits.map((ms) => ms / SECOND)).toEqual([5, 10, 20, 40, 60, 60, 60]);
    expect(setup.a.running).toBe(1);
  });

  test.each([
    new DatabaseError('server_unreachable', { server }, 'nobody listens'),
    new DatabaseError('connection_lost', { server }, 'lost'),
    new DatabaseError('server_starting', { server }, 'starting'),
    new DatabaseError('too_many_connections', { server }, 'too many'),
    new DatabaseError('server_read_only', { server }, 'a standby'),
    new DatabaseError('server_went_back', { server, expected: 9, found: 8 }, 'went back'),
    new DatabaseError('transaction_conflict', { server }, 'in the way'),
    new DatabaseError('statement_timeout', { server }, 'too slow'),
  ])('is waited for, and neither pauses the source nor ends the daemon: $code', async (failure) => {
    const setup = setUp();
    setup.daemon.tick();
    for (let i = 0; i < 3; i += 1) await setup.a.end(failure);
    await setup.a.end();
    expect(said(setup)).toEqual([
      ['error', 'the database cannot be used now; trying again until it can'],
      ['info', 'the database can be used again'],
    ]);
    await expect(Promise.race([setup.daemon.failed, settled('goes on')])).resolves.toBe('goes on');
  });

  test('is told of again where the reason is another one', async () => {
    const setup = setUp();
    setup.daemon.tick();
    const starting = new DatabaseError('server_starting', { server }, 'starting');
    for (const failure of [unreachable(), unreachable(), starting, starting, unreachable()]) {
      await setup.a.end(failure);
    }
    const errors = setup.log.lines.flatMap(({ level, fields }) => (level === 'error' ? [fields] : []));
    expect(errors).toMatchObject([
      { source: 'a', pauseMs: 5 * SECOND, err: { code: 'server_unreachable' } },
      { source: 'a', pauseMs: 20 * SECOND, err: { code: 'server_starting' } },
      { source: 'a', err: { code: 'server_unreachable' } },
    ]);
  });

  test('can be used again also where another process syncs the source by then', async () => {
    const setup = onHold();
    setup.daemon.tick();
    await setup.a.end(unreachable());
    await pass(setup, 5 * SECOND);
    await setup.a.end(held());
    expect(said(setup).slice(1)).toEqual([
      ['info', 'the database can be used again'],
      ['info', expect.stringContaining('standing by')],
    ]);
  });

  test('leaves a full run due that it broke off', async () => {
    const setup = setUp();
    setup.daemon.tickFull();
    await setup.a.end(unreachable());
    expect(setup.a.begun).toEqual([true, true]);
  });
});
