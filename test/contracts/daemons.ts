import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Daemon } from '../../src/daemon/daemon.ts';
import type { Clock } from '../../src/model/clock.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { syncSource } from '../../src/sync/sync.ts';
import { memorySource } from '../support/memory-source.ts';
import { memoryLog } from '../support/mirror.ts';
import { completedTask, tasksApart } from '../support/tasks.ts';
import { A, type Make, type MirrorUnderTest, NEVER, statusOf } from './mirror-store/kit.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A daemon of its own process, as far as the database can know. */
interface Host {
  daemon: Daemon;
  /** Every run that it began, with whether it was a full one. */
  begun: boolean[];
  log: ReturnType<typeof memoryLog>;
  /** From now on no request of it is answered, and it renews no lease: it is as good as dead. */
  die(): void;
  /** Attempts under way that are not dead. */
  busy: number;
}

interface Bench extends MirrorUnderTest {
  list: SimulatedList;
  hosts: Host[];
  /** Runs this slot on all daemons that live, in this order, and waits until all that can end has ended. */
  slot(options?: { full?: boolean; order?: readonly number[] }): Promise<void>;
  /** Advances the clock, a second at a time. */
  pass(ms: number): Promise<void>;
  /** Kind and outcome of all runs, oldest first. */
  runs(): Promise<string[]>;
}

/** What daemons that share a database have to hold on every engine. */
export function daemonsContract(name: string, make: Make): void {
  describe(`daemons on one database: ${name}`, () => {
    test('serve each slot once, and make one full walk for each slot of the full schedule', async () => {
      const bench = await setUp(make, 3);
      for (let day = 0; day < 3; day += 1) {
        await bench.slot({ full: true, order: [day, (day + 1) % 3, (day + 2) % 3] });
        await bench.pass(10 * SECOND);
        for (let i = 0; i < 3; i += 1) {
          bench.list.put(completedTask(`new-${day}-${i}`, bench.clock.now()));
          await bench.slot();
          await bench.pass(10 * SECOND);
        }
      }
      const day = ['reconcile ok', 'incremental ok', 'incremental ok', 'incremental ok'];
      expect(await bench.runs()).toEqual([...day, ...day, ...day]);
      expect(bench.hosts.flatMap(({ log }) => log.lines.filter(({ level }) => level !== 'debug'))).toEqual(
        bench.hosts.flatMap(({ log }) => log.lines.filter(({ level }) => level === 'info')),
      );
      expect(await statusOf(await bench.open(), 'a')).toMatchObject({ liveRows: bench.list.size, gaps: [] });
    });

    test('stay with the one that synced the source last, so that it does not change hands at each slot', async () => {
      const bench = await setUp(make, 3);
      for (const order of [
        [1, 0, 2],
        [0, 1, 2],
        [2, 1, 0],
        [2, 0, 1],
      ]) {
        await bench.slot({ order });
        await bench.pass(10 * SECOND);
      }
      expect(bench.hosts.map(({ begun }) => begun.length)).toEqual([0, 4, 0]);
    });

    test('take up the run of one that died in its middle within a minute, whatever the schedule', async () => {
      const bench = await setUp(make, 3);
      const [victim] = bench.hosts;
      victim?.die();
      await bench.slot({ full: true });
      expect(await bench.runs()).toEqual(['reconcile null']);
      const store = await bench.open();
      expect(await statusOf(store, 'a')).toMatchObject({ holder: { pid: process.pid } });
      await bench.pass(MINUTE);
      expect(await bench.runs()).toEqual(['reconcile interrupted', 'reconcile ok']);
      expect(await statusOf(store, 'a')).toMatchObject({
        liveRows: bench.list.size,
        completeThrough: expect.any(String),
        holder: null,
      });
    });

    test('go on at the next slot where the one that synced the source has died between two of them', async () => {
      const bench = await setUp(make, 2);
      await bench.slot();
      await bench.pass(MINUTE);
      bench.hosts[0]?.die();
      await bench.slot({ order: [1] });
      await bench.pass(10 * SECOND);
      expect(bench.hosts.map(({ begun }) => begun)).toEqual([[false], [false]]);
    });

    test('that start again make no second full run for a slot, and none for one that passed meanwhile', async () => {
      const bench = await setUp(make, 1);
      const slot = bench.clock.now();
      await bench.slot({ full: true });
      await bench.pass(MINUTE);
      const again = await startHost(bench);
      bench.hosts.splice(0, 1, again);
      again.daemon.tickFull(slot);
      await bench.pass(SECOND);
      await bench.slot();
      await bench.pass(10 * SECOND);
      expect([again.begun, await bench.runs()]).toEqual([[false], ['reconcile ok', 'incremental ok']]);
    });
  });
}

async function setUp(make: Make, count: number): Promise<Bench> {
  const mirror = await make();
  mirror.clock.hold();
  const list = new SimulatedList(tasksApart(250, SECOND));
  const hosts: Host[] = [];
  const quiet = async (): Promise<void> => {
    await settled();
    while (hosts.some(({ busy }) => busy > 0)) await settled();
  };
  const bench: Bench = {
    ...mirror,
    list,
    hosts,
    async slot({ full = false, order = [...hosts.keys()] } = {}) {
      const at = mirror.clock.now();
      for (const index of order) {
        const { daemon } = hosts[index] ?? {};
        if (full) daemon?.tickFull(at);
        else daemon?.tick(at);
        // One after the other: the first one gets the lease.
        await quiet();
      }
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += SECOND) {
        mirror.clock.advance(SECOND);
        await quiet();
      }
    },
    async runs() {
      const store = await mirror.open();
      return (await store.recentRuns(100)).map(({ kind, outcome }) => `${kind} ${outcome}`).toReversed();
    },
  };
  for (let i = 0; i < count; i += 1) hosts.push(await startHost(bench));
  return bench;
}

async function startHost({ open, clock, list }: Pick<Bench, 'open' | 'clock' | 'list'>): Promise<Host> {
  const store = await open();
  const log = memoryLog();
  let isDead = false;
  const source = memorySource(list, {
    beforeList: () => {
      if (!isDead) return undefined;
      host.busy -= 1;
      return Promise.withResolvers<void>().promise;
    },
  });
  const ownClock: Clock = {
    now: () => clock.now(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    timeout: (ms) => clock.timeout(ms),
    every: (ms, task) => clock.every(ms, () => (isDead ? undefined : task())),
  };
  const host: Host = {
    begun: [],
    log,
    busy: 0,
    die: () => void (isDead = true),
    daemon: new Daemon({
      clock: ownClock,
      log,
      random: () => 0.5,
      sources: [
        {
          name: A.name,
          hasNewKey: async () => false,
          async sync({ full, isDone, onBegin }) {
            host.busy += 1;
            const result = await syncSource(
              A,
              { store, clock: ownClock, connect: () => source, logFor: () => log },
              {
                pageSize: 100,
                concurrency: 1,
                overlapMs: 0,
                signal: NEVER,
                full,
                isDone,
                onBegin(run) {
                  host.begun.push(full);
                  onBegin(run);
                },
              },
            );
            host.busy -= 1;
            return result;
          },
        },
      ],
    }),
  };
  onTestFinished(async () => {
    if (!isDead) await host.daemon.stop();
  });
  return host;
}
