import type { Task } from '../../src/model/task.ts';

/** Reports worked out in plain JavaScript, from the tasks themselves. */

/** Local day and hour as another part of Intl writes them. */
export function localParts(
  timezone: string,
  utcText: string,
): { day: string; hour: number; weekday: string } {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
  }).formatToParts(Date.parse(utcText));
  const { year, month, day, hour, weekday } = Object.fromEntries(
    parts.map(({ type, value }) => [type, value]),
  );
  return { day: `${year}-${month}-${day}`, hour: Number(hour), weekday: weekday ?? '' };
}

/** With linear interpolation between the two values around it, as a whole number. */
export function percentileOf(values: readonly number[], percent: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (percent / 100) * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (low === undefined || high === undefined) return null;
  return Math.round(low + (high - low) * (place - Math.floor(place)));
}

export function queueMs({ createdAt, startedAt }: Task): number[] {
  return startedAt === null ? [] : [Date.parse(startedAt) - Date.parse(createdAt)];
}

export function runMs({ startedAt, completedAt }: Task): number[] {
  return startedAt === null || completedAt === null ? [] : [Date.parse(completedAt) - Date.parse(startedAt)];
}

export function countsOf(tasks: readonly Task[]) {
  const count = (...statuses: string[]) => tasks.filter(({ status }) => statuses.includes(status)).length;
  const [completed, failed] = [count('completed'), count('failed')];
  const rate = completed / (completed + failed);
  return {
    tasks: tasks.length,
    completed,
    failed,
    cancelled: count('cancelled'),
    open: count('pending', 'running', 'awaiting_approval'),
    success_rate: Number.isNaN(rate) ? null : Number(rate.toFixed(4)),
  };
}

/** The most first, then by name. */
export function ranked<T>(groups: ReadonlyMap<T, readonly Task[]>): [T, readonly Task[]][] {
  return [...groups].toSorted(
    ([a, { length: many }], [b, { length: more }]) => more - many || (String(a) < String(b) ? -1 : 1),
  );
}
