import { describe, expect, test } from 'vitest';
import { parseMoment } from '../../src/reports/moment.ts';
import { periodsOf, spansOf, zoneOf } from '../../src/model/zone.ts';
import { UsageError } from '../../src/model/errors.ts';
import { toldBy } from '../support/told.ts';

const NOW = Date.parse('2026-03-30T12:34:56.789Z');
const moment = (text: string, timezone = 'UTC'): string => parseMoment(text, NOW, timezone);

describe('a moment', () => {
  test.each([
    ['0h', '2026-03-30T12:34:56.789Z'],
    ['12h', '2026-03-30T00:34:56.789Z'],
    ['30d', '2026-02-28T12:34:56.789Z'],
    ['2w', '2026-03-16T12:34:56.789Z'],
    ['2026-01-01', '2026-01-01T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-01-01T10:00Z', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01T10:00:00Z', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01T10:00:00.123456+02:00', '2026-01-01T08:00:00.123Z'],
  ])('may be written as %s', (text, expected) => {
    expect(moment(text)).toBe(expected);
  });

  // Checked against the tz database: where midnight is skipped the day begins with the next moment there is.
  test.each([
    ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
    ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
    ['2026-07-01', 'America/New_York', '2026-07-01T04:00:00.000Z'],
    ['2026-01-01', 'Pacific/Kiritimati', '2025-12-31T10:00:00.000Z'],
    ['2026-01-01', 'Asia/Kathmandu', '2025-12-31T18:15:00.000Z'],
    ['2026-09-06', 'America/Santiago', '2026-09-06T04:00:00.000Z'],
    ['2026-04-05', 'America/Santiago', '2026-04-05T04:00:00.000Z'],
    ['2011-12-30', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
  ])('%s in %s is %s', (day, timezone, expected) => {
    expect(moment(day, timezone)).toBe(expected);
  });

  test.each([
    '',
    ' ',
    'yesterday',
    '30',
    '30 d',
    '30m',
    '-3d',
    '1.5d',
    '9999999d',
    '999999w',
    '2026-1-1',
    '2026-13-01',
    '2026-02-30',
    '0000-01-01',
    '12026-01-01',
    '2026-01',

    '2026-01-01T10:00',
    '2026-01-01 10:00Z',
    '2026-02-30T10:00Z',
    '2026-01-01T25:00Z',
    '2026-01-01T10:00+99:00',
    '9999-12-31T23:59:59-01:00',
    'x'.repeat(10_000),
  ])('is refused: %j', async (text) => {
    expect(() => moment(text)).toThrow(UsageError);
    expect(await toldBy(() => moment(text))).toMatchObject({
      hint: expect.stringContaining('30d'),
      message: expect.stringMatching(/^.{0,90}$/),
    });
  });

  test('in an unknown time zone is refused', () => {
    expect(() => moment('2026-01-01', 'Mars/Olympus')).toThrow(UsageError);
  });
});

const pieces = (timezone: string, unit: 'day' | 'hour', from: string, until: string) =>
  periodsOf(spansOf(zoneOf(timezone), Date.parse(from), Date.parse(until)), unit);
const lengths = (list: ReturnType<typeof pieces>): [string, number][] =>
  list.map(({ label, from, until }) => [label, (Date.parse(until) - Date.parse(from)) / 3_600_000]);

describe('local days and hours', () => {
  test('have 23 or 25 hours if the clock changes, and only what is in the period', () => {
    expect(lengths(pieces('Europe/Berlin', 'day', '2026-03-28T12:00:00Z', '2026-03-30T00:00:00Z'))).toEqual([
      ['2026-03-28', 11],
      ['2026-03-29', 23],
      ['2026-03-30', 2],
    ]);
    expect(lengths(pieces('Europe/Berlin', 'day', '2026-10-24T22:00:00Z', '2026-10-26T23:00:00Z'))).toEqual([
      ['2026-10-25', 25],
      ['2026-10-26', 24],
    ]);
  });

  test('are two hours in one if the clock shows it twice, and half of one more if it moves by half', () => {
    expect(lengths(pieces('Europe/Berlin', 'hour', '2026-10-25T00:00:00Z', '2026-10-25T03:00:00Z'))).toEqual([
      ['2026-10-25T02', 2],
      ['2026-10-25T03', 1],
    ]);
    expect(
      lengths(pieces('Australia/Lord_Howe', 'hour', '2026-04-04T13:30:00Z', '2026-04-04T16:30:00Z')),
    ).toEqual([
      ['2026-04-05T00', 0.5],
      ['2026-04-05T01', 1.5],
      ['2026-04-05T02', 1],
    ]);
  });

  test('follow each other without a hole for years', () => {
    for (const timezone of ['Africa/Casablanca', 'Asia/Kathmandu', 'America/Santiago', 'UTC']) {
      const list = pieces(timezone, 'day', '2019-05-05T05:05:05Z', '2026-03-03T03:03:03Z');
      expect(list.at(0)?.from).toBe('2019-05-05T05:05:05.000Z');
      expect(list.at(-1)?.until).toBe('2026-03-03T03:03:03.000Z');
      expect(list.slice(1).map(({ from }) => from)).toEqual(list.slice(0, -1).map(({ until }) => until));
      expect(new Set(list.map(({ label }) => label)).size).toBe(list.length);
    }
  });
});
