const ISO = /^(\d{4}-\d\d-(\d\d)T\d\d:\d\d:\d\d)(?:[.,](\d+))?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))$/i;
/** A canonical time on a day that every month has, so nothing is left to check. */
const PLAIN =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
const CANONICAL = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const HTTP_DATE = /^[A-Z][a-z]+, .{1,40} GMT$/;

/**
 * Converts an ISO 8601 time with Z or an offset to the UTC text `YYYY-MM-DDTHH:MM:SS.sssZ` that the mirror
 * stores. Digits beyond the millisecond are cut off, never rounded up, so that the order of times does not
 * change. Null if the text is no such time, the day does not exist, or the year is not 0001 to 9999.
 */
export function utcTextFrom(text: string): string | null {
  if (PLAIN.test(text)) return text;
  // The usual form from the API; formatting it again to compare would take most of a page's time.
  if (CANONICAL.test(text)) return isRealDay(Date.parse(text), text.slice(8, 10)) ? text : null;

  const match = ISO.exec(text);
  if (match === null) return null;
  const [, local = '', day = '', fraction = '', sign, hours, minutes] = match;
  const ms = Date.parse(`${local.toUpperCase()}.${fraction.slice(0, 3).padEnd(3, '0')}Z`);
  if (!isRealDay(ms, day)) return null;
  const offset = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * 60_000;
  return isoOf(sign === '-' ? ms + offset : ms - offset);
}

/** Returns the time of an HTTP header (RFC 9110, IMF-fixdate) in ms; null if it is missing or unreadable. */
export function parseHttpDate(header: string | undefined): number | null {
  if (header === undefined || !HTTP_DATE.test(header)) return null;
  const ms = Date.parse(header);
  return Number.isNaN(ms) ? null : ms;
}

/** Returns whether the day exists: Date.parse takes 30 February for 2 March. */
function isRealDay(ms: number, day: string): boolean {
  return new Date(ms).getUTCDate() === Number(day);
}

function isoOf(ms: number): string | null {
  const text = new Date(ms).toISOString();
  return CANONICAL.test(text) ? text : null;
}
