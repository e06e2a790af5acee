import type { Trade } from './messages.ts';
import type { Random } from './random.ts';

/** A person or machine that gives tasks to agents. */
export interface Member {
  /** The key that this member's tasks are created with. */
  apiKeyId: string;
  username: string;
  trade: Trade;
  /** Share of all sessions, relative to the others. */
  weight: number;
  /** Hours ahead of UTC, the year round. */
  utcOffset: number;
}

/** The team behind the simulated list: people of several places and trades, and two machines. */
export const TEAM: readonly Member[] = [
  {
    apiKeyId: '5bc8fbbc-bde5-4099-8164-d8399f767c45',
    username: 'anna.schmidt',
    trade: 'code',
    weight: 22,
    utcOffset: 1,
  },
  {
    apiKeyId: 'd76d4330-f144-4bea-b0c1-1fdecb91ce37',
    username: 'priya.raman',
    trade: 'data',
    weight: 18,
    utcOffset: 5.5,
  },
  {
    apiKeyId: '87b0b125-ec1d-4da0-a6eb-8c9ebd69fe29',
    username: 'jose.núñez',
    trade: 'ops',
    weight: 14,
    utcOffset: -3,
  },
  {
    apiKeyId: 'c6a53877-7733-4bdb-9721-0dff076ce2ef',
    username: 'emma.brown',
    trade: 'support',
    weight: 13,
    utcOffset: -5,
  },
  {
    apiKeyId: '0d464138-a623-4255-bfc1-ea36f17fd374',
    username: '田中健二',
    trade: 'code',
    weight: 10,
    utcOffset: 9,
  },
  {
    apiKeyId: '5f2dd97f-1cfb-40f6-a827-688de6a16a3b',
    username: 'zoë.müller',
    trade: 'research',
    weight: 7,
    utcOffset: 1,
  },
  {
    apiKeyId: '617959ce-3f1f-45a8-9e52-71007814e8a2',
    username: 'łukasz',
    trade: 'support',
    weight: 4,
    utcOffset: 1,
  },
  {
    apiKeyId: '3fd42359-92ed-4f45-9a1a-fe878b33e968',
    username: 'ci-bot',
    trade: 'script',
    weight: 9,
    utcOffset: 0,
  },
  {
    apiKeyId: '687c966c-377b-4aa2-bb2e-db20035b7399',
    username: 'nightly',
    trade: 'script',
    weight: 3,
    utcOffset: 0,
  },
];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const HISTORY_DAYS = 365;
const CANDIDATES = 200;

// How likely a person is at work at each hour of their day, 0:00 first.
const HOURS = [
  0.02, 0.01, 0.01, 0.01, 0.01, 0.02, 0.06, 0.2, 0.6, 0.95, 1, 0.95, 0.55, 0.75, 0.95, 0.95, 0.85, 0.6, 0.35,
  0.22, 0.2, 0.18, 0.1, 0.04,
];
// The epoch's first day was a Thursday.
const WEEKDAYS_FROM_THURSDAY = [1, 0.8, 0.1, 0.07, 0.9, 1, 1];

/**
 * Returns a moment in the year before `now` (ms since the epoch) at which this member would begin something:
 * more often lately than a year ago; for people in working hours of weekdays, for machines at any time or at
 * night.
 */
export function workingMoment(member: Member, now: number, random: Random): number {
  let moment = now;
  // Draw until a moment falls into working time. Bounded: after this many, the last one will do.
  for (let candidate = 0; candidate < CANDIDATES; candidate++) {
    const daysAgo = HISTORY_DAYS * random.next() ** 1.3;
    moment = Math.floor(now - daysAgo * DAY);
    if (random.chance(presence(member, moment))) break;
  }
  return moment;
}

function presence(member: Member, moment: number): number {
  const local = moment + member.utcOffset * HOUR;
  const hour = Math.floor(local / HOUR) % 24;
  if (member.username === 'nightly') return hour === 2 ? 1 : 0;
  if (member.trade === 'script') return 0.5;
  return (HOURS[hour] ?? 0) * (WEEKDAYS_FROM_THURSDAY[Math.floor(local / DAY) % 7] ?? 0);
}
