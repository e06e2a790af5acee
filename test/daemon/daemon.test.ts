import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { Daemon, type DaemonSource } from '../../src/daemon/daemon.ts';
import { DatabaseError, InterruptedError, SafetyStopError, UsageError } from '../../src/model/errors.ts';
import { apiFailed, diskFull, keyRefused, leaseHeld } from '../support/errors.ts';
import type { SyncResult } from '../../src/sync/sync.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { memoryLog } from '../support/mirror.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The id of every run. */
const RUN = 17;

/** A source whose runs end when the test says so. */
class HeldSource implements DaemonSource {
  readonly name: string;
  /** Whether each run so far was a full one. */
  readonly begun: boolean[] = [];
  /** How often it was asked for a new key, and whether it has one. */
  looks = 0;
  newKey: boolean | Promise<boolean> = false;
  #running: PromiseWithResolvers<SyncResult>[] = [];

  constructor(name: string) {
    this.name = name;
  }

  sync({ full }: { full: boolean }): Promise<SyncResult> {
    this.begun.push(full);
    const run = Promise.withResolvers<SyncResult>();
    this.#running.push(run);
    return run.promise;
  }

  async hasNewKey(): Promise<boolean> {
    this.looks += 1;
    return this.newKey;
  }

  /** The run under way throws. */
  async break(error: Error): Promise<void> {
    this.#running.shift()?.reject(error);
    await settled();
  }

  /** How many runs are under way. */
  get running(): number {
    return this.#running.length;
  }

  /** Ends the run under way, well unless there is a failure, and lets the daemon hear of it. */
  async end(
    failure: Error | null = null,
    { fullAdvised = false, foundLateOrGone = false } = {},
  ): Promise<void> {
    const outcome = failure === null ? 'ok' : failure instanceof InterruptedError ? 'interrupted' : 'failed';
    const report = {
      name: this.name,
      kind: 'incremental',
      outcome,
      verdict: null,
      requests: 1,
      rowsSeen: 0,
      inserted: 0,
      updated: 0,
      unchanged: 0,
      removed: 0,
      rejected: 0,
      gaps: 0,
      completeThrough: null,
      durationMs: 0,
      error: failure?.message ?? null,
      plan: null,
    } as const;
    this.#running.shift()?.resolve({ report, run: RUN, failure, fullAdvised, foundLateOrGone });
    await settled();
  }
}

interface Setup {
  daemon: Daemon;
  clock: FakeClock;
  log: ReturnType<typeof memoryLog>;
  a: HeldSource;
  b: HeldSource;
}

function setUp(): Setup {
  const [a, b] = [new HeldSource('a'), new HeldSource('b')];
  const [clock, log] = [createFakeClock(), memoryLog()];
  return { daemon: new Daemon({ sources: [a, b], clock, log }), clock, log, a, b };
}

const failed = (): Error => apiFailed('the API answers 503');

/** After a run of `a` that ended with `failure`: for how many seconds no tick begins another. */
async function pauseAfter({ daemon, clock, a }: Setup, failure: Error): Promise<number> {
  daemon.tick();
  await a.end(failure);
  const runs = a.begun.length;
  for (let seconds = 0; seconds <= 7_200; seconds += 1) {
    daemon.tick();
    await settled();
    if (a.begun.length > runs) return seconds;
    clock.advance(SECOND);
  }
  throw new Error('the source was never tried again');
}

const refused = (): Error => keyRefused('the key was refused');

/** A daemon whose source `a` has just failed. */
async function paused(failure: Error): Promise<Setup> {
  const setup = setUp();
  setup.daemon.tick();
  await setup.a.end(failure);
  return setup;
}

async function slot({ daemon, clock }: Setup, ms = SECOND): Promise<void> {
  clock.advance(ms);
  daemon.tick();
  await settled();
}

describe('a tick', () => {
  test('begins one run of every source, and one more at the next', async () => {
    const { daemon, a, b } = setUp();
    daemon.tick();
    expect([a.begun, b.begun]).toEqual([[false], [false]]);
    await a.end();
    await b.end();
    daemon.tick();
    expect([a.begun.length, b.begun.length]).toEqual([2, 2]);
  });

  test('begins no second run of a source that is running', async () => {
    const { daemon, a } = setUp();
    for (let i = 0; i < 5; i += 1) daemon.tick();
    expect([a.begun.length, a.running]).toEqual([1, 1]);
    await a.end();
    expect(a.begun).toHaveLength(1);
  });

  test('is not held up by a source that is slow', async () => {
    const { daemon, a, b } = setUp();
    daemon.tick();
    for (let i = 0; i < 3; i += 1) {
      await b.end();
      daemon.tick();
    }
    expect([a.begun.length, b.begun.length]).toEqual([1, 4]);
  });
});

describe('after a failure', () => {
  test('the pause doubles with each further one, up to half an hour, and no other source pauses', async () => {
    const setup = setUp();
    const pauses: number[] = [];
    for (let i = 0; i < 12; i += 1) {
      pauses.push(await pauseAfter(setup, failed()));
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_800, 1_800, 1_800]);
    await setup.b.end();
    setup.daemon.tick();
    expect(setup.b.begun).toHaveLength(2);
  });

  test('a success ends the pauses: the next failure begins with the shortest again', async () => {
    const setup = setUp();
    const pauses = [await pauseAfter(setup, failed()), await pauseAfter(setup, failed())];
    await setup.a.end();
    setup.daemon.tick();
    expect(setup.a.running).toBe(1);
    pauses.push(await pauseAfter(setup, failed()));
    expect(pauses).toEqual([5, 10, 5]);
    expect(setup.log.lines.filter(({ message }) => message.includes('works again'))).toHaveLength(1);
  });

  test('a success ends the pause also if the clock was set back meanwhile', async () => {
    const setup = setUp();
    await pauseAfter(setup, failed());
    setup.clock.advance(-HOUR);
    await setup.a.end();
    setup.daemon.tick();
    expect(setup.a.running).toBe(1);
  });

  test('the pause does not outlast the time that a clock is set back by', async () => {
    const setup = setUp();
    setup.daemon.tick();
    await setup.a.end(failed());
    setup.clock.advance(-8 * HOUR);
    setup.daemon.tick();
    expect(setup.a.running).toBe(1);
  });

  test('it is logged with its source, its run and how long the pause is', async () => {
    const setup = setUp();
    const failure = failed();
    await pauseAfter(setup, failure);
    expect(setup.log.lines).toEqual([
      {
        level: 'error',
        message: expect.stringMatching(/paused/),
        fields: { source: 'a', run: RUN, failures: 1, pauseMs: 5 * SECOND, err: failure },
      },
    ]);
  });

  test('with a refused key the pause is a quarter of an hour, however often', async () => {
    const setup = setUp();
    expect(await pauseAfter(setup, refused())).toBe(900);
    expect(await pauseAfter(setup, refused())).toBe(900);
  });

  test.each([
    ['a lease that another process holds', leaseHeld('held by process 7')],
    ['an interruption', new InterruptedError('stopped')],
  ])('that is none, %s, there is no pause', async (_what, failure) => {
    const setup = setUp();
    expect(await pauseAfter(setup, failure)).toBe(0);
    expect(setup.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('and a held lease the next failure still counts as the second in a row', async () => {
    const setup = setUp();
    await pauseAfter(setup, failed());
    await pauseAfter(setup, leaseHeld('held by process 7'));
    expect(await pauseAfter(setup, failed())).toBe(10);
  });
});

describe('a pause for want of a key', () => {
  test.each([
    ['refused', refused()],
    [
      'not to be had',
      new UsageError(
        'key_unusable',
        { source: 'a', kind: 'env', place: 'K' },
        'environment variable K is not set',
      ),
    ],
  ])('that was %s ends with a new key, at the next slot', async (_, failure) => {
    const setup = await paused(failure);
    setup.a.newKey = true;
    await slot(setup);
    expect(setup.a.begun).toHaveLength(2);
    await setup.a.end();
    await slot(setup);
    expect(setup.a.begun).toHaveLength(3);
  });

  test('goes on with the same key, which is looked at once a slot', async () => {
    const setup = await paused(refused());
    for (let i = 0; i < 5; i += 1) await slot(setup, 10 * SECOND);
    expect([setup.a.looks, setup.a.begun.length]).toEqual([5, 1]);
  });

  test('does not look at the key while it is still being got', async () => {
    const setup = await paused(refused());
    const { promise, resolve } = Promise.withResolvers<boolean>();
    setup.a.newKey = promise;
    for (let i = 0; i < 5; i += 1) await slot(setup);
    expect([setup.a.looks, setup.a.begun.length]).toEqual([1, 1]);
    resolve(true);
    await settled();
    expect(setup.a.begun).toHaveLength(2);
  });

  test('is over when a new key met a lease that another process holds', async () => {
    const setup = await paused(refused());
    setup.a.newKey = true;
    await slot(setup);
    await setup.a.end(leaseHeld('held by process 7'));
    setup.a.newKey = false;
    await slot(setup);
    expect(setup.a.begun).toHaveLength(3);
  });

  test('gets longer with each new key that is refused, until one works: a command may make one at each call', async () => {
    const setup = await paused(refused());
    setup.a.newKey = true;
    const pauses: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      const runs = setup.a.begun.length;
      let seconds = 0;
      for (; setup.a.begun.length === runs; seconds += 1) await slot(setup);
      pauses.push(seconds);
      await setup.a.end(refused());
    }
    expect(pauses).toEqual([1, 5, 10, 20, 40, 80, 160]);
    await slot(setup, 15 * MINUTE);
    await setup.a.end();
    await slot(setup);
    await setup.a.end(refused());
    await slot(setup);
    expect(setup.a.running).toBe(1);
  });

  test('is the only one that a key ends', async () => {
    const setup = await paused(failed());
    setup.a.newKey = true;
    await slot(setup);
    expect([setup.a.looks, setup.a.begun.length]).toEqual([0, 1]);
  });

  test('begins no run if the daemon was stopped while it read the key', async () => {
    const setup = await paused(refused());
    const { promise, resolve } = Promise.withResolvers<boolean>();
    setup.a.newKey = promise;
    await slot(setup);
    await setup.b.end();
    const stopped = setup.daemon.stop();
    resolve(true);
    await stopped;
    expect(setup.a.begun).toHaveLength(1);
  });
});

describe('failures after which the daemon cannot continue', () => {
  test('is a run that throws', async () => {
    const { daemon, a } = setUp();
    daemon.tick();
    await a.break(new TypeError('a bug'));
    await expect(daemon.failed).rejects.toThrow('a bug');
  });

  test('is a failure that only another process gets over', async () => {
    const { daemon, a } = setUp();
    daemon.tick();
    await a.end(new DatabaseError('database_replaced', { file: 'm.db' }, 'm.db was replaced'));
    await expect(daemon.failed).rejects.toThrow('m.db was replaced');
  });

  test('is no other failure', async () => {
    const { daemon, a } = setUp();
    for (const failure of [failed(), diskFull('the disk is full'), new InterruptedError('stopped')]) {
      daemon.tick();
      await a.end(failure);
    }
    await expect(Promise.race([daemon.failed, settled('goes on')])).resolves.toBe('goes on');
  });
});

describe('a full run', () => {
  test('of every source follows the tick of its schedule, once', async () => {
    const { daemon, a, b } = setUp();
    daemon.tickFull();
    await a.end();
    await b.end();
    daemon.tick();
    expect([a.begun, b.begun]).toEqual([
      [true, false],
      [true, false],
    ]);
  });

  test('waits for the run under way', async () => {
    const { daemon, a } = setUp();
    daemon.tick();
    daemon.tickFull();
    expect(a.begun).toEqual([false]);
    await a.end();
    daemon.tick();
    expect(a.begun).toEqual([false, true]);
  });

  test('that failed is made up for; one that the removal brake stopped is not', async () => {
    const setup = setUp();
    setup.daemon.tickFull();
    await setup.a.end(failed());
    setup.clock.advance(MINUTE);
    setup.daemon.tick();
    await setup.a.end(
      new SafetyStopError('too_many_gone', { gone: 30, live: 100, share: 0.1 }, 'too many are gone'),
    );
    setup.clock.advance(MINUTE);
    setup.daemon.tick();
    expect(setup.a.begun).toEqual([true, true, false]);
  });

  test('that the total asks for follows at once, but not twice within an hour', async () => {
    const { daemon, clock, a, b } = setUp();
    daemon.tick();
    await a.end(null, { fullAdvised: true });
    await b.end();
    const next = async (): Promise<boolean | undefined> => {
      daemon.tick();
      await a.end(null, { fullAdvised: true, foundLateOrGone: true });
      await b.end();
      return a.begun.at(-1);
    };
    expect(await next()).toBe(true);
    expect(await next()).toBe(false);
    clock.advance(HOUR - 1);
    expect(await next()).toBe(false);
    clock.advance(1);
    expect(await next()).toBe(true);
    expect(b.begun).not.toContain(true);
  });

  test('that the total asks for comes half as often each time that it finds nothing, until one does', async () => {
    const { daemon, clock, a } = setUp();
    daemon.tick();
    await a.end(null, { fullAdvised: true });
    /** The hours until the next full run, which ends as told. */
    const hoursUntilNext = async (found: boolean): Promise<number> => {
      for (let hours = 0; hours < 48; hours += 1) {
        daemon.tick();
        const isFull = a.begun.at(-1) === true;
        await a.end(null, { fullAdvised: true, foundLateOrGone: isFull && found });
        if (isFull) return hours;
        clock.advance(HOUR);
      }
      throw new Error('no full run came');
    };
    const hours: number[] = [];
    for (const found of [false, false, false, false, false, false, true, false, false]) {
      hours.push(await hoursUntilNext(found));
    }
    expect(hours).toEqual([0, 2, 4, 8, 16, 24, 24, 1, 2]);
  });

  test('that the total asks for does not wait for the time that a clock is set back by', async () => {
    const { daemon, clock, a } = setUp();
    daemon.tickFull();
    await a.end(null, { fullAdvised: true });
    clock.advance(-8 * HOUR);
    daemon.tick();
    expect(a.begun).toEqual([true, true]);
  });

  test('that the total asks for settles the matter, unless it asks again', async () => {
    const { daemon, clock, a } = setUp();
    daemon.tick();
    await a.end(null, { fullAdvised: true });
    daemon.tick();
    await a.end();
    clock.advance(2 * HOUR);
    daemon.tick();
    expect(a.begun).toEqual([false, true, false]);
  });
});

describe('stopping', () => {
  test('waits for the runs under way and begins no other', async () => {
    const { daemon, a, b } = setUp();
    daemon.tick();
    const stopped = vi.fn<() => void>();
    const stopping = daemon.stop().then(stopped);
    await a.end();
    daemon.tick();
    daemon.tickFull();
    expect(a.begun).toHaveLength(1);
    expect(stopped).not.toHaveBeenCalled();
    await b.end(new InterruptedError('stopped'));
    await stopping;
    expect(stopped).toHaveBeenCalledOnce();
  });

  test('is done at once if nothing runs', async () => {
    const { daemon, a } = setUp();
    await daemon.stop();
    daemon.tick();
    expect(a.begun).toEqual([]);
  });
});
