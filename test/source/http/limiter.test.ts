import { describe, expect, test } from 'vitest';

import { createLimiter } from '../../../src/source/http/limiter.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const signal = new AbortController().signal;

/** Asks for turns on a held clock; `passed` fills with the time of each. */
function turnsOn(maxPerSecond: number) {
  const clock = createFakeClock(0);
  clock.hold();
  const limiter = createLimiter(maxPerSecond, clock);
  const passed: [string, number][] = [];
  const ask = (name: string, by = signal) =>
    limiter.turn(by).then(() => void passed.push([name, clock.now()]));
  /** Moves the time on in steps of `stepMs`, letting everything run that became due. */
  const run = async (ms: number, stepMs = 10) => {
    await new Promise((resolve) => setImmediate(resolve));
    for (let gone = 0; gone < ms; gone += stepMs) {
      clock.advance(stepMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { clock, ask, run, passed };
}

describe('the rate limit', () => {
  test('spaces requests that come at once evenly, in the order of asking', async () => {
    const { ask, run, passed } = turnsOn(10);
    const asked = ['a', 'b', 'c', 'd'].map((name) => ask(name));
    await run(300);
    await Promise.all(asked);
    expect(passed).toEqual([
      ['a', 0],
      ['b', 100],
      ['c', 200],
      ['d', 300],
    ]);
  });

  test('does not save up turns while nobody asks', async () => {
    const { ask, run, passed } = turnsOn(10);
    await ask('a');
    await run(1000);
    const asked = [ask('b'), ask('c')];
    await run(100);
    await Promise.all(asked);
    expect(passed.slice(1)).toEqual([
      ['b', 1000],
      ['c', 1100],
    ]);
  });

  test('is the limit also if an interval is no whole number of ms', async () => {
    const { ask, run, passed } = turnsOn(3);
    const asked = Array.from({ length: 4 }, (_, index) => ask(String(index)));
    await run(1000, 1);
    await Promise.all(asked);
    expect(passed.map(([, at]) => at)).toEqual([0, 334, 667, 1000]);
  });

  test('a request that gives up leaves at once, with the reason, and the others keep their distance', async () => {
    const { ask, run, passed } = turnsOn(10);
    const controller = new AbortController();
    const first = ask('a');
    const given = ask('b', controller.signal);
    const others = [ask('c'), ask('d')];
    const reason = new Error('stop');
    controller.abort(reason);
    await expect(given).rejects.toBe(reason);
    await run(300);
    await Promise.all([first, ...others]);
    const times = passed.map(([, at]) => at);
    expect(passed.map(([name]) => name)).toEqual(['a', 'c', 'd']);
    expect(times[2]).toBe((times[1] ?? 0) + 100);
  });

  test('a clock that is set back costs no more than the usual distance', async () => {
    const { clock, ask, run, passed } = turnsOn(10);
    await ask('a');
    clock.advance(-3_600_000);
    const asked = ask('b');
    await run(100);
    await asked;
    expect(passed[1]).toEqual(['b', -3_599_900]);
  });

  test('without a limit nobody waits, but an aborted signal still stops', async () => {
    const clock = createFakeClock();
    const limiter = createLimiter(null, clock);
    await Promise.all([limiter.turn(signal), limiter.turn(signal)]);
    expect(clock.waits).toEqual([]);
    const reason = new Error('stop');
    await expect(limiter.turn(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
