/** Returns the name of a schema, quoted. */
export function quoted(schema: string): string {
  return `"${schema.replaceAll('"', '""')}"`;
}

/** Returns the quoted name of a schema with a dot, to put before the name of a table. */
export function prefixOf(schema: string): string {
  return `${quoted(schema)}.`;
}

/** Returns SQL for a time as the UTC text that SQLite's mirror holds. */
export function utcSql(expression: string): string {
  return `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
