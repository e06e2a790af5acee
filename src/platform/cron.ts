import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
/** Any kind of year (leap or not, and the weekday that it begins with) comes within this many years. */
const YEARS = 28;

/**
 * A cron expression that node-cron accepts. Local times are ms since the epoch, as if local time were UTC.
 */
export interface Cron {
  /** The slots from one local time up to, but not including, another. */
  slotsBetween(from: number, until: number): Generator<number>;
  /** Its hours are named: a slot in an hour that the clock leaves out must be made up for. */
  hasFixedHours: boolean;
  /** No field of its time is `*` or a step of it: a time that the clock shows twice is one slot. */
  hasFixedTime: boolean;
  /** Whether any date fits it. */
  everComes(): boolean;
}

/** Parses an expression. Throws Error for one that node-cron refuses. */
export function parseCron(expression: string): Cron {
  const fields = fieldsOf(expression);
  const { second, minute, hour } = nodeCron().parse(expression);
  const [seconds, minutes, hours] = [second.toSorted((a, b) => a - b), new Set(minute), new Set(hour)];
  const days = dayExpressions(fields).map((day) => nodeCron().createTask(day, () => {}, { timezone: 'UTC' }));
  const fitsDay = (local: number): boolean => days.some((day) => day.match(new Date(local)));
  return {
    *slotsBetween(from, until) {
      for (let start = Math.floor(from / MINUTE) * MINUTE; start < until; start += MINUTE) {
        const date = new Date(start);
        if (!minutes.has(date.getUTCMinutes()) || !hours.has(date.getUTCHours()) || !fitsDay(start)) continue;
        yield* seconds.map((s) => start + s * 1_000).filter((slot) => slot >= from && slot < until);
      }
    },
    hasFixedHours: !isOpen(fields.hour),
    hasFixedTime: ![fields.second, fields.minute, fields.hour].some(isOpen),
    everComes() {
      const [first, end] = [Date.UTC(2001), Date.UTC(2001 + YEARS)];
      for (let day = first; day < end; day += DAY) if (fitsDay(day)) return true;
      return false;
    },
  };
}

/** Returns why an expression cannot be a schedule; null if it can. Nicknames (@daily) are refused, too. */
export function cronProblem(expression: string): string | null {
  const count = expression.trim().split(/\s+/).length;
  if (count !== 5 && count !== 6) return `it has ${count} ${count === 1 ? 'field' : 'fields'}`;
  // node-cron expands a range before it checks its edges: 0-99999999 keeps it busy for 20 seconds.
  if (/\d{3}/.test(expression)) return 'it holds a number of three digits';
  const { valid, errors } = nodeCron().validateDetailed(expression);
  if (!valid) return errors.map((error) => error.message).join('; ');
  return parseCron(expression).everComes()
    ? null
    : 'no date fits its day, month and weekday, so it never comes';
}

interface Fields {
  second: string;
  minute: string;
  hour: string;
  day: string;
  month: string;
  weekday: string;
}

function fieldsOf(expression: string): Fields {
  const fields = expression.trim().split(/\s+/);
  const [second = '', minute = '', hour = '', day = '', month = '', weekday = ''] =
    fields.length === 5 ? ['0', ...fields] : fields;
  return { second, minute, hour, day, month, weekday };
}

/**
 * Returns expressions of which one has to fit a date. node-cron requires day of month and weekday to fit. In
 * crontab, if both are set, either is enough (POSIX crontab, "The specification of days"); `L`, `W` and `#`
 * are not crontab's.
 */
function dayExpressions({ day, month, weekday }: Fields): string[] {
  const isCrontabs = !/[LW]/i.test(day) && !/[#L]/i.test(weekday);
  return isCrontabs && !isOpen(day) && !isOpen(weekday)
    ? [`* * * ${day} ${month} *`, `* * * * ${month} ${weekday}`]
    : [`* * * ${day} ${month} ${weekday}`];
}

/** Returns whether a field is open, as in cron (cronie, entry.c): a step of `*` leaves it open, too. */
function isOpen(field: string): boolean {
  return /^[*?]/.test(field);
}

/** Loads node-cron. Every command reads the settings, but few name a schedule: only those pay for it. */
function nodeCron(): typeof import('node-cron') {
  return require('node-cron') as typeof import('node-cron');
}

/** Returns whether a name is one of the IANA time zones that this Node knows. */
export function isTimezone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
