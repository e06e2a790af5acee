import { utcText } from '../../model/task.ts';
import type { ApiTask } from './list.ts';
import { writeFailure } from './messages.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { newConversationId, newSession, newTask, update } from './tasks.ts';
import { TEAM, workingMoment } from './team.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Tasks that the script creates in one ms when it runs. */
const BURST = 40;

/**
 * Generates a year of a team's tasks up to `now` (ms since the epoch), newest activity first: exactly `count`
 * of them, the same for the same arguments. A list of 40 or more has open tasks near its head; one of 200 or
 * more also has two that were forgotten months ago. Throws RangeError if `count` is not a whole number of 0
 * or more.
 */
export function generateTasks(options: { count: number; seed: number; now: number }): ApiTask[] {
  const { count, now } = options;
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`The number of tasks must be a whole number of 0 or more, not ${count}.`);
  }
  const random = createRandom(options.seed);
  const tasks = openTasks(count, now, random);
  while (tasks.length < count) {
    const more = random.chance(0.002) ? burst(now, random) : session(now, random);
    tasks.push(...more.slice(0, count - tasks.length));
  }
  return tasks.toSorted((a, b) =>
    a.lastActivityAt < b.lastActivityAt ? 1 : a.lastActivityAt > b.lastActivityAt ? -1 : 0,
  );
}

/** Generates one task after another, each begun when the one before had been read. */
function session(now: number, random: Random): ApiTask[] {
  const member = random.weighted(TEAM);
  let at = workingMoment(member, now, random);
  const origin = newSession(member, at, random);
  const tasks: ApiTask[] = [];
  const length = Math.min(12, Math.ceil(random.logNormal(1.6, 0.8)));
  for (let nth = 0; nth < length; nth++) {
    const task = settle(newTask(origin, at, random), at, random);
    const settledAt = Date.parse(task.lastActivityAt);
    // Tasks that would not be over yet are left out: the open tasks of a list are made on purpose.
    if (settledAt > now) break;
    tasks.push(task);
    at = settledAt + wholeMs(random.logNormal(3 * MINUTE, 1.2), SECOND, 8 * HOUR);
    if (at > now) break;
    if (random.chance(0.6)) origin.conversationId = newConversationId(at, random);
  }
  return tasks;
}

/**
 * Generates a script's tasks, all created in the same ms. Half the time somebody cancels all of them first.
 */
function burst(now: number, random: Random): ApiTask[] {
  const member = random.weighted(TEAM.filter(({ trade }) => trade === 'script'));
  const at = workingMoment(member, now - DAY, random);
  const isCancelled = random.chance(0.5);
  return Array.from({ length: BURST }, () => {
    const task = newTask(newSession(member, at, random), at, random);
    return isCancelled ? update(task, { status: 'cancelled' }) : settle(task, at, random);
  });
}

/** Gives a task that was created at `createdAt` its outcome. */
function settle(task: ApiTask, createdAt: number, random: Random): ApiTask {
  const started = createdAt + queueMs(random);
  const startedAt = utcText(started);
  const completedAt = utcText(started + runMs(random));
  const { status } = random.weighted(OUTCOMES);
  if (status === 'completed') {
    return update(task, { status, startedAt, completedAt, messageCount: 2 * turns(random) });
  }
  if (status === 'failed') {
    const failed = { status, error: writeFailure(random), completedAt };
    // Some fail in the queue, before an agent ever saw them.
    return update(
      task,
      random.chance(0.1) ? failed : { ...failed, startedAt, messageCount: random.int(1, 9) },
    );
  }
  return update(
    task,
    random.pick([
      { status },
      { status, startedAt, messageCount: 1 },
      { status, startedAt, completedAt, messageCount: 3 },
    ]),
  );
}

function openTasks(count: number, now: number, random: Random): ApiTask[] {
  const recent = Math.min(12, Math.floor(count / 40));
  const tasks = Array.from({ length: recent }, (_, nth) => {
    const status = OPEN[nth % OPEN.length] ?? 'pending';
    const age = status === 'pending' ? random.int(SECOND, 4 * MINUTE) : random.int(5 * MINUTE, 2 * HOUR);
    return openTask(status, now - age, now, random);
  });
  if (count < 200) return tasks;
  const forgotten = [
    openTask('awaiting_approval', now - random.int(100 * DAY, 160 * DAY), now, random),
    openTask('running', now - random.int(200 * DAY, 300 * DAY), now, random),
  ];
  return [...tasks, ...forgotten];
}

function openTask(status: string, createdAt: number, now: number, random: Random): ApiTask {
  const task = newTask(newSession(random.weighted(TEAM), createdAt, random), createdAt, random);
  if (status === 'pending') return task;
  const startedAt = utcText(Math.min(now, createdAt + queueMs(random)));
  return update(task, { status, startedAt, messageCount: random.int(1, 7) });
}

const OPEN = ['pending', 'running', 'running', 'awaiting_approval'];

const OUTCOMES = [
  { status: 'completed', weight: 87 },
  { status: 'failed', weight: 8 },
  { status: 'cancelled', weight: 5 },
];

const queueMs = (random: Random): number => wholeMs(random.logNormal(4 * SECOND, 1.1), 150, 2 * HOUR);
const runMs = (random: Random): number => wholeMs(random.logNormal(2.5 * MINUTE, 1.3), 700, 10 * HOUR);
const turns = (random: Random): number => Math.min(40, Math.ceil(random.logNormal(1.2, 0.9)));

function wholeMs(ms: number, least: number, most: number): number {
  return Math.round(Math.min(most, Math.max(least, ms)));
}
