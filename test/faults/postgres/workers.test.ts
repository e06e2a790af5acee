import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { LeaseHeldError } from '../../../src/model/errors.ts';
import { LEASE_MS } from '../../../src/model/lease.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store/kit.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { EXACT, look } from '../../support/postgres/exact.ts';
import { runBench } from '../../support/postgres/run.ts';
import { describeWithServer, execute, targetOf, temporarySchema } from '../../support/postgres/server.ts';
import { type Orders, type Told, workersList } from '../../support/postgres/worker-orders.ts';

const WORKER = fileURLToPath(new URL('../../support/postgres/worker.ts', import.meta.url));
const TASKS = 1_000;

interface Worker {
  process: ChildProcess;
  told: Told[];
  /** Resolves when it has ended. */
  ended: Promise<NodeJS.Signals | null>;
}

function startWorker(orders: Orders): Worker {
  const child = fork(WORKER, [JSON.stringify(orders)], { execArgv: [] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const told: Told[] = [];
  child.on('message', (message: Told) => told.push(message));
  const ended = once(child, 'close').then(([, signal]) => signal as NodeJS.Signals | null);
  return { process: child, told, ended };
}

const list = workersList(TASKS);
/** How often six processes take a lease. */
const CLAIMS = 100;

describeWithServer('a worker that is killed', () => {
  test.each(['before', 'sent', 'answered'] as const)(
    'at any of its writes, %s: the ledger is not ahead, and the next run goes on at once and makes it exact',
    async (how) => {
      let last: Told[] = [];
      let at = 1;
      for (; ; at += 3) {
        const place = temporarySchema();
        const { ended, told } = startWorker({ ...place, tasks: TASKS, at, how });
        last = told;
        if ((await ended) === null) break;
        expect((await look(place, list)).lost).toEqual([]);
        const { failure } = await runBench(place).sync(list);
        expect(failure).toBeNull();
        expect(await look(place, list)).toEqual(EXACT);
      }
      expect(last).toEqual([{ what: 'ended', failure: null, outcome: 'ok' }]);
      expect(at).toBeGreaterThan(10);
    },
  );
});

describeWithServer('a worker that is stopped past its lease', () => {
  test('writes nothing when it goes on, if another has taken its source over', async () => {
    const place = temporarySchema();
    const worker = startWorker({ ...place, tasks: TASKS, at: 5, how: 'wait' });
    await once(worker.process, 'message');
    worker.process.kill('SIGSTOP');
    // For the one that comes after it, the lease has run out.
    const later = runBench(place, { leaseOffset: () => LEASE_MS + 1_000 });
    expect((await later.sync(list)).failure).toBeNull();
    const before = await look(place, list);
    expect(before).toEqual(EXACT);
    const rows = (): Promise<unknown[]> =>
      execute(place.url, `select xmin::text, * from "${place.schema}".tasks order by id`);
    const written = await rows();
    worker.process.kill('SIGCONT');
    worker.process.send('resume');
    expect(await worker.ended).toBeNull();
    expect(worker.told.at(-1)).toEqual({ what: 'ended', failure: 'LeaseHeldError', outcome: 'failed' });
    expect(await rows()).toEqual(written);
    expect(await look(place, list)).toEqual(EXACT);
  });
});

describeWithServer('six processes that take each other’s leases over all the time', () => {
  test('write one after the other: nobody writes once another has begun', async () => {
    const { url, schema } = temporarySchema();
    const target = targetOf(url, { schema });
    const clock = createFakeClock();
    let time = 0;
    // Whoever asks finds that the lease has run out.
    const options = {
      create: true,
      clock,
      omit: new Set<never>(),
      leaseOffset: () => (time += LEASE_MS + 1),
    };
    const source = { name: 'a', baseUrl: 'https://a.example' };
    let claims = 0;
    const failures: unknown[] = [];
    const worker = async (): Promise<void> => {
      const store = await openPostgresStore(target, options);
      while (claims < CLAIMS) {
        try {
          const claim = await store.claim(source);
          const mine = (claims += 1);
          for (let write = 1; write <= 8; write += 1) {
            await claim.commit(changeOf({ tasks: [mirrorTask('x', 0, { message: `${mine}:${write}` })] }));
          }
        } catch (error) {
          failures.push(error);
        }
      }
      await store.close();
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    const journal = await execute<{ old_value: string; new_value: string }>(
      url,
      `select old_value, new_value from "${schema}".task_changes where field = 'message' order by change_no`,
    );
    const written = journal.map(({ new_value }) => new_value);
    expect(journal.slice(1).map(({ old_value }) => old_value)).toEqual(written.slice(0, -1));
    // Each holder's writes are together, and in order.
    const holders = Map.groupBy(written, (text) => text.split(':')[0]);
    expect([...holders.values()].flat()).toEqual(written);
    const numbers = [...holders.values()].map((texts) => texts.map((text) => Number(text.split(':')[1])));
    for (const own of numbers) expect(own).toEqual(own.map((_, at) => (own[0] ?? 0) + at));
    expect(holders.size).toBeGreaterThan(2);
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.filter((error) => !(error instanceof LeaseHeldError))).toEqual([]);
  });
});
