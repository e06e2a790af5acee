import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { spansOf, zoneOf } from '../../src/model/zone.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { parseCron } from '../../src/platform/cron.ts';
import { followSchedule, slotsIn } from '../../src/daemon/schedule.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Helsinki sets its clocks at 01:00 UTC: 03:00 comes twice on 26 October 2025, and 03:00 to 04:00 is left out on 30 March. */
const AUTUMN = Date.UTC(2025, 9, 26, 1);
const SPRING = Date.UTC(2025, 2, 30, 1);

function slots(expression: string, timezone: string, from: number, until: number): number[] {
  return [...slotsIn(parseCron(expression), zoneOf(timezone), from, until)];
}

/** The slots of a day around a change of Helsinki's clock, as UTC times: `01:20`. */
function timesAround(change: number, expression: string): string[] {
  return slots(expression, 'Europe/Helsinki', change - 2 * HOUR, change + 2 * HOUR).map((slot) =>
    new Date(slot).toISOString().slice(11, 16),
  );
}

/** For each time that a zone's clock changes in 2025: its local date, in days since the epoch, and two days from the noon before. */
function changesOf(timezone: string): { date: number; from: number; until: number }[] {
  const [, ...spans] = spansOf(zoneOf(timezone), Date.UTC(2025, 0, 2), Date.UTC(2025, 11, 30));
  return spans.map(({ from: change, offset }) => {
    const date = Math.floor((change + offset) / DAY);
    const from = date * DAY - offset - 12 * HOUR;
    return { date, from, until: from + 2 * DAY };
  });
}

describe('the slots of a schedule', () => {
  test('are read in its timezone', () => {
    const day = Date.UTC(2026, 0, 1);
    expect(slots('30 8 * * *', 'America/New_York', day, day + DAY)).toEqual([day + 13 * HOUR + 30 * MINUTE]);
  });

  test('are those after one moment and up to another', () => {
    const noon = Date.UTC(2026, 0, 1, 12);
    expect(slots('0 * * * *', 'UTC', noon, noon + HOUR)).toEqual([noon + HOUR]);
    expect(slots('0 * * * *', 'UTC', noon, noon + HOUR - 1)).toEqual([]);
    expect(slots('30,10 * * * * *', 'UTC', noon, noon + MINUTE)).toEqual([
      noon + 10 * SECOND,
      noon + 30 * SECOND,
    ]);
  });

  // crontab(5): "If both fields are restricted ... when either field matches".
  test.each([
    ['day of month and weekday: either is enough, as in crontab', '0 0 1,15 * 1', [1, 5, 12, 15, 19, 26]],
    ['a step of * leaves the weekday to decide with it, as in crontab', '0 0 */2 * 1', [5, 19]],
    [
      'every day of the month but one is set, too',
      '0 0 2-31 * 4',
      Array.from({ length: 31 }, (_, i) => i + 1),
    ],
    ['the month has to fit both', '0 0 1 2 1', []],
    ['with #, which crontab does not have, both have to fit', '0 0 8-14 * 1#2', [12]],
    ['with L, likewise', '0 0 L * 6', [31]],
  ])('%s', (_, expression, days) => {
    const month = Date.UTC(2026, 0, 1);
    const found = slots(expression, 'UTC', month - 1, month + 31 * DAY - 1);
    expect(found.map((slot) => new Date(slot).getUTCDate())).toEqual(days);
  });
});

describe('when daylight saving time changes the clock', () => {
  const ZONES = [
    'Europe/Helsinki',
    'America/New_York',
    'America/St_Johns',
    'Africa/Cairo',
    'Antarctica/Troll',
    'Australia/Lord_Howe',
    'Pacific/Chatham',
  ];

  test.each(ZONES)('in %s an interval is kept', (zone) => {
    const changes = changesOf(zone);
    expect(changes).toHaveLength(2);
    for (const { from, until } of changes) {
      const expected = Array.from({ length: 2 * 288 }, (_, index) => from + (index + 1) * 5 * MINUTE);
      expect(slots('*/5 * * * *', zone, from, until)).toEqual(expected);
    }
  });

  test.each(ZONES)('in %s each time of day comes once a day', (zone) => {
    const local = zoneOf(zone);
    for (const { date, from, until } of changesOf(zone)) {
      for (let minute = 0; minute < 6 * 60; minute += 5) {
        const time = `${minute % 60} ${Math.floor(minute / 60)} * * *`;
        const dates = slots(time, zone, from, until).map((at) => Math.floor((at + local.offsetAt(at)) / DAY));
        expect([time, ...dates]).toEqual([time, date, date + 1]);
      }
    }
  });

  test.each([
    [
      'autumn, every 20 minutes',
      AUTUMN,
      '*/20 * * * *',
      '23:20 23:40 00:00 00:20 00:40 01:00 01:20 01:40 02:00 02:20 02:40 03:00',
    ],
    ['autumn, at 17 past each hour', AUTUMN, '17 * * * *', '23:17 00:17 01:17 02:17'],
    ['autumn, at 03:17: the first time', AUTUMN, '17 3 * * *', '00:17'],
    [
      'autumn, at some times of named hours: each once',
      AUTUMN,
      '0,30 2-4 * * *',
      '23:30 00:00 00:30 02:00 02:30',
    ],
    [
      'autumn, every 20 minutes of named hours',
      AUTUMN,
      '*/20 3 * * *',
      '00:00 00:20 00:40 01:00 01:20 01:40',
    ],
    [
      'spring, every 20 minutes',
      SPRING,
      '*/20 * * * *',
      '23:20 23:40 00:00 00:20 00:40 01:00 01:20 01:40 02:00 02:20 02:40 03:00',
    ],
    ['spring, at 17 past each hour', SPRING, '17 * * * *', '23:17 00:17 01:17 02:17'],
    ['spring, at 03:17, which is left out: when the clock has moved on', SPRING, '17 3 * * *', '01:00'],
    ['spring, at some times that are left out: once', SPRING, '7,17,27 3 * * *', '01:00'],
    ['spring, at 04:00, which a slot that is left out falls on', SPRING, '0,30 3-4 * * *', '01:00 01:30'],
    ['spring, every 20 minutes of an hour that is left out: once', SPRING, '*/20 3 * * *', '01:00'],
    ['spring, every second hour, of which one is left out', SPRING, '0 1-23/2 * * *', '01:00 02:00'],
  ])('in %s', (_, change, expression, times) => {
    expect(timesAround(change, expression).join(' ')).toBe(times);
  });

  test.each([AUTUMN, SPRING])('looking minute by minute finds the slots of the whole', (change) => {
    for (const expression of ['*/20 * * * *', '17 3 * * *', '7,17 3 * * *', '*/20 3 * * *']) {
      const [from, until] = [change - 3 * HOUR, change + 3 * HOUR];
      const found: number[] = [];
      for (let at = from; at < until; at += MINUTE) {
        found.push(...slots(expression, 'Europe/Helsinki', at, at + MINUTE));
      }
      expect(found).toEqual(slots(expression, 'Europe/Helsinki', from, until));
    }
  });
});

describe('following a schedule', () => {
  const FIRST = Date.UTC(2026, 0, 1, 12, 0, 30);

  interface Followed {
    clock: FakeClock;
    /** When it ticked, ms. */
    ticks: number[];
    /** The slots that it ticked with, ms. */
    served: number[];
    /** Lets this time pass, a minute at most at a time. */
    pass: (ms: number) => Promise<void>;
    stop: () => Promise<void>;
  }

  /** Stopped when the test is done. */
  function follow(expression: string, { timezone = 'UTC', at = FIRST } = {}): Followed {
    const [clock, stop] = [createFakeClock(at), new AbortController()];
    clock.hold();
    const [ticks, served]: [number[], number[]] = [[], []];
    const tick = (slot: number): void => {
      ticks.push(clock.now());
      served.push(slot);
    };
    const done = followSchedule(expression, timezone, { clock, signal: stop.signal, tick });
    const end = async (): Promise<void> => {
      stop.abort();
      await done;
    };
    onTestFinished(end);
    const pass = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= SECOND) {
        clock.advance(Math.min(left, SECOND));
        await settled();
      }
    };
    return { clock, ticks, served, pass, stop: end };
  }

  test('ticks on the clock of this machine', { timeout: 5_000 }, async () => {
    const stop = new AbortController();
    const tick = (): void => stop.abort();
    const parts = { clock: systemClock, signal: stop.signal, tick };
    await expect(followSchedule('* * * * * *', 'UTC', parts)).resolves.toBeUndefined();
  });

  test('ticks at every slot, and no more once it is stopped', async () => {
    const { ticks, pass, stop } = follow('*/5 * * * *');
    await pass(15 * MINUTE);
    expect(ticks).toEqual([5, 10, 15].map((minute) => Date.UTC(2026, 0, 1, 12, minute)));
    await stop();
    await pass(10 * MINUTE);
    expect(ticks).toHaveLength(3);
  });

  test('of six fields ticks within a minute', async () => {
    const { ticks, pass } = follow('*/20 * * * * *');
    await pass(MINUTE);
    expect(ticks.map((at) => (at - FIRST) / SECOND)).toEqual([10, 30, 50]);
  });

  test('every 5 minutes ticks every 5 minutes through the hour that comes twice', async () => {
    const { ticks, pass } = follow('*/5 * * * *', { timezone: 'Europe/Helsinki', at: AUTUMN - 65 * MINUTE });
    await pass(3 * HOUR);
    expect(ticks).toHaveLength(36);
  });

  test('makes up for a slot that was missed while the machine slept, as soon as it is awake', async () => {
    const { clock, ticks, pass } = follow('0 13 * * *');
    clock.advance(3 * HOUR);
    await pass(HOUR);
    expect(ticks).toHaveLength(1);
  });

  test('whose far slot was missed in the sleep ticks within a minute of waking up', async () => {
    const { clock, ticks, pass } = follow('0 3 * * *');
    clock.advance(24 * HOUR);
    await pass(MINUTE);
    expect(ticks).toHaveLength(1);
  });

  test('ticks once for many slots that were missed, with the last of them', async () => {
    const { clock, ticks, served, pass } = follow('*/7 * * * *');
    clock.advance(3 * HOUR);
    await pass(SECOND);
    expect(ticks).toHaveLength(1);
    expect(served).toEqual([Date.UTC(2026, 0, 1, 15)]);
  });

  test('ticks with the moment of the slot, however late the clock is read', async () => {
    const { clock, served, pass } = follow('*/5 * * * *');
    await pass(4 * MINUTE);
    clock.advance(45 * SECOND);
    await pass(SECOND);
    expect(served).toEqual([Date.UTC(2026, 0, 1, 12, 5)]);
  });

  test('makes up for one that was missed decades ago: a machine without a battery for its clock', async () => {
    const { clock, ticks, pass } = follow('0 3 1 1 *', { at: 0 });
    clock.advance(FIRST);
    await pass(SECOND);
    expect(ticks).toHaveLength(1);
  });

  test('follows the new time if the clock is set back by hours', async () => {
    const { clock, ticks, pass } = follow('*/5 * * * *');
    await pass(7 * MINUTE);
    expect(ticks).toHaveLength(1);
    clock.advance(-8 * HOUR);
    await pass(11 * MINUTE);
    expect(ticks).toHaveLength(3);
  });

  test('rejects with the error of a tick', async () => {
    const parts = { clock: createFakeClock(FIRST), signal: new AbortController().signal, tick: noMore };
    await expect(followSchedule('* * * * *', 'UTC', parts)).rejects.toThrow('no more');
  });
});

function noMore(): never {
  throw new Error('no more');
}
