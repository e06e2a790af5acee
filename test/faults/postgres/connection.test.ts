import { expect, test } from 'vitest';
import { DatabaseError, LeaseHeldError } from '../../../src/model/errors.ts';
import { LEASE_MS } from '../../../src/model/lease.ts';
import { createRandom } from '../../../src/source/simulated/random.ts';
import { SimulatedList } from '../../../src/source/simulated/list.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { EXACT, look } from '../../support/postgres/exact.ts';
import { type Cut, startProxy } from '../../support/postgres/proxy.ts';
import { runBench } from '../../support/postgres/run.ts';
import {
  describeWithOwnServer,
  describeWithServer,
  ownServer,
  postgresUrl,
  targetOf,
  temporarySchema,
} from '../../support/postgres/server.ts';
import { tasksApart } from '../../support/tasks.ts';

/** What every statement that writes a source begins with. */
const WRITE = 'with lease as materialized';

function throughPort(url: string, port: number): string {
  const { username, password, pathname, search } = new URL(url);
  const login = [username, password].filter(Boolean).join(':');
  return `postgres://${login}@127.0.0.1:${port}${pathname}${search}`;
}

/** The mirror in a schema of the shared server, and the way to it through a proxy. */
async function behindProxy() {
  const place = temporarySchema();
  const proxy = await startProxy(Number(new URL(place.url).port || 5432));
  const bench = runBench({ ...place, url: throughPort(place.url, proxy.port) });
  return { place, proxy, bench };
}

const isLoopback = postgresUrl !== null && /^(?:127\.0\.0\.1|localhost)$/.test(new URL(postgresUrl).hostname);

describeWithServer('a connection that is cut', () => {
  test.skipIf(!isLoopback).each(['before', 'half', 'answered'] as const)(
    'in any write of a run, %s: the ledger is never ahead, and the next run makes the mirror exact',
    async (cut: Cut) => {
      const list = new SimulatedList(tasksApart(1_000, 60_000));
      let nth = 0;
      for (;;) {
        const { place, proxy, bench } = await behindProxy();
        await bench.sync(new SimulatedList([]), { source: 'other' });
        proxy.cutAt(WRITE, (nth += 2), cut);
        const { failure } = await bench.sync(list);
        if (proxy.cuts === 0) break;
        // What only readers need may fail without harm.
        expect(failure === null || failure instanceof DatabaseError).toBe(true);
        expect((await look(place, list)).lost).toEqual([]);
        const next = await bench.sync(list);
        expect(next.failure).toBeNull();
        expect(await look(place, list)).toEqual(EXACT);
      }
      expect(nth).toBeGreaterThan(10);
    },
  );

  test.skipIf(!isLoopback)('at random, again and again, until a run comes through', async () => {
    const { place, proxy, bench } = await behindProxy();
    const list = new SimulatedList(tasksApart(3_000, 60_000));
    const random = createRandom(7);
    await bench.sync(new SimulatedList([]), { source: 'other' });
    let runs = 0;
    for (;;) {
      const text = random.pick([WRITE, WRITE, 'select', 'commit']);
      proxy.cutAt(text, random.int(1, 12), random.pick(['before', 'half', 'answered']));
      const result = await bench.sync(list).catch((error: unknown) => ({ failure: error }));
      runs += 1;
      expect((await look(place, list)).lost).toEqual([]);
      if (result.failure === null && runs > 20) break;
      expect(result.failure === null || result.failure instanceof DatabaseError).toBe(true);
    }
    proxy.cutAt('no statement', 1, 'before');
    expect((await bench.sync(list)).failure).toBeNull();
    expect(await look(place, list)).toEqual(EXACT);
  });
});

describeWithOwnServer('a server that is killed', () => {
  test('in the middle of a run, and started again, has lost nothing that the ledger covers', async () => {
    const server = await ownServer();
    const place = { url: server.url, schema: 'taskmirror' };
    // For each run the lease has run out that the one before it could not give back.
    let time = 0;
    const bench = runBench(place, { leaseOffset: () => time });
    const list = new SimulatedList(tasksApart(2_000, 60_000));
    for (const page of [3, 4, 5]) {
      const { failure } = await bench.sync(list, {
        async beforeList({ count }) {
          if (count === page) await server.kill('SIGKILL');
        },
      });
      expect(failure).toBeInstanceOf(DatabaseError);
      await server.restart();
      time += LEASE_MS + 1_000;
      expect((await look(place, list)).lost).toEqual([]);
    }
    expect((await bench.sync(list)).failure).toBeNull();
    expect(await look(place, list)).toEqual(EXACT);
  });

  test('keeps a process that lives from giving its lease back, and not from having it again', async () => {
    const server = await ownServer();
    const clock = createFakeClock();
    const target = targetOf(server.url);
    const open = () => openPostgresStore(target, { create: true, clock, omit: new Set() });
    const [store, other] = [await open(), await open()];
    const source = { name: 'a', baseUrl: 'https://a.example' };
    const claim = await store.claim(source);
    await server.kill('SIGKILL');
    await expect(claim.release()).rejects.toBeInstanceOf(DatabaseError);
    await server.restart();
    await expect(other.claim(source)).rejects.toBeInstanceOf(LeaseHeldError);
    await (await store.claim(source)).release();
    await server.kill('SIGKILL');
    await store.close();
    await other.close();
  });

  test('and back before the next page is no failure of the run', async () => {
    const server = await ownServer();
    const place = { url: server.url, schema: 'taskmirror' };
    const bench = runBench(place);
    const list = new SimulatedList(tasksApart(2_000, 60_000));
    const { failure } = await bench.sync(list, {
      concurrency: 1,
      betweenWrites: true,
      async beforeList({ count }) {
        if (count === 9) await server.restart();
      },
    });
    expect(failure).toBeNull();
    expect(await look(place, list)).toEqual(EXACT);
  });
});
