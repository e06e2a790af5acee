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
      for (let at = 1; ; at += 3) {
        const place = temporarySchema();
        const { ended, told } = startWorker({ ...place, tasks: TASKS, at, how });
        if ((await ended) === null) {
          expect(told).toEqual([{ what: 'ended', failure: null, outcome: 'ok' }]);
          expect(at).toBeGreaterThan(10);
          return;
        }
        expect((await look(place, list)).lost).toEqual([]);
        const { failure } = await runBench(place).sync(list);
        expect(failure).toBeNull();
        expect(await look(place, list)).toEqual(EXACT);
      }
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
    let lost = 0;
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
          expect(error).toBeInstanceOf(LeaseHeldError);
          lost += 1;
        }
      }
      await store.close();
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    const journal = await execute<{ old_value: string; new_value: string }>(
      url,
      `select old_value, new_value from "${schema}".task_changes where field = 'message' order by change_no`,
    );
    const seen = new Set<string>();
    let [holder, write] = ['', 0];
    for (const [at, { old_value, new_value }] of journal.entries()) {
      const [by = '', number = ''] = new_value.split(':');
      if (at > 0) expect(old_value).toBe(journal[at - 1]?.new_value);
      if (by !== holder) {
        expect(seen.has(by)).toBe(false);
        seen.add(by);
        [holder, write] = [by, Number(number) - 1];
      }
      expect(Number(number)).toBe((write += 1));
    }
    expect(seen.size).toBeGreaterThan(2);
    expect(lost).toBeGreaterThan(0);
  });
});
