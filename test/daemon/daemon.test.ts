import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { DatabaseError, InterruptedError, SafetyStopError, UsageError } from '../../src/model/errors.ts';
import { apiFailed, diskFull, keyRefused } from '../support/errors.ts';
import { HOUR, MINUTE, RUN, SECOND, setUp, type Setup } from './held-source.ts';

const MIRROR = { server: 'ada@db.example:5432/tasks', schema: 'taskmirror' };

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

  test('that is none, an interruption, there is no pause', async () => {
    const setup = setUp();
    expect(await pauseAfter(setup, new InterruptedError('stopped'))).toBe(0);
    expect(setup.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
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

  test.each([
    new DatabaseError('database_replaced', { file: 'm.db' }, 'm.db was replaced'),
    new DatabaseError('mirror_newer', { ...MIRROR, version: 9, known: 1 }, 'the mirror is newer'),
    new DatabaseError('mirror_outdated', { ...MIRROR, version: 1, known: 9 }, 'the mirror is older'),
  ])('is a failure that only another process gets over: $code', async (failure) => {
    const { daemon, a } = setUp();
    daemon.tick();
    await a.end(failure);
    await expect(daemon.failed).rejects.toBe(failure);
  });

  test('is no other failure', async () => {
    const { daemon, clock, a } = setUp();
    const server = 'ada@db.example:5432/tasks';
    const later = [
      failed(),
      diskFull('the disk is full'),
      new InterruptedError('stopped'),
      new DatabaseError('login_refused', { server, why: 'refused' }, 'wrong password'),
      new DatabaseError('database_unknown', { server }, 'no such database'),
      new DatabaseError('permission_denied', { server, of: null }, 'not yours'),
      new DatabaseError('mirror_missing', { server, schema: 'taskmirror' }, 'it is being restored'),
    ];
    for (const failure of later) {
      clock.advance(HOUR);
      daemon.tick();
      await a.end(failure);
    }
    expect(a.begun).toHaveLength(later.length);
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
