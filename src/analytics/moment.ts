import { UsageError } from '../errors.ts';

const UNITS = { h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `30d` before `now` (ms), or a date or time, as UTC text. Throws UsageError where the text is neither. */
export function parseMoment(text: string, now: number, _timezone: string): string {
  const [, count, unit] = /^(\d{1,5})([hdw])$/.exec(text) ?? [];
  const ms = count === undefined ? Date.parse(text) : now - Number(count) * UNITS[unit as keyof typeof UNITS];
  if (Number.isFinite(ms)) return new Date(ms).toISOString();
  throw new UsageError(`"${text}" is no moment`, {
    hint: 'Give a length of time (30d, 12h) or a date (2026-01-01).',
  });
}
