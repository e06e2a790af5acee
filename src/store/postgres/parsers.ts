import { type CustomTypesConfig, types } from 'pg';

/**
 * The values of our own tables: whole numbers as number (all are within 2^53), moments as UTC text with
 * milliseconds, JSON as it was written, days and clock times as PostgreSQL writes them.
 */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [types.builtins.INT8]: Number,
  [types.builtins.NUMERIC]: Number,
  [types.builtins.TIMESTAMPTZ]: utcOf,
  [types.builtins.JSON]: String,
  [types.builtins.JSONB]: String,
  [types.builtins.TIMESTAMP]: String,
  [types.builtins.DATE]: String,
  [types.builtins.INTERVAL]: String,
};

/** What the driver makes of the values that the server sends as text. */
export const TYPES: CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    (format === 'binary' ? undefined : PARSERS[oid]) ?? types.getTypeParser(oid, format ?? 'text'),
};

/**
 * Returns `2026-02-01T00:00:00.500Z` for `2026-02-01 00:00:00.5+00`, of whatever time zone the session is, and
 * leaves `infinity` alone. Cuts off what is finer than a millisecond. Throws Error for another DateStyle: it
 * may have day and month in either order.
 */
export function utcOf(text: string): string {
  const utc = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/.exec(text);
  if (utc !== null) return `${utc[1]}T${utc[2]}.${(utc[3] ?? '').padEnd(3, '0').slice(0, 3)}Z`;
  if (/^-?infinity$/.test(text)) return text;
  const parsed: unknown = types.getTypeParser(types.builtins.TIMESTAMPTZ, 'text')(text);
  if (parsed instanceof Date && /^\d{4,}-\d\d-\d\d /.test(text)) return parsed.toISOString();
  throw new Error(`The server writes times as ${text}: something in between has changed DateStyle.`);
}
