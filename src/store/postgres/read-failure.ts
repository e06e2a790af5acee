import type { UsageFacts } from '../../model/error-facts.ts';
import { DatabaseError, UsageError } from '../../model/errors.ts';
import type { OwnConnection } from './client.ts';
import { explain, sqlStateOf } from './failure.ts';
import { refused } from './read-sql.ts';

const [READ_ONLY, CANCELLED, DENIED] = ['25006', '57014', '42501'];
const [UNKNOWN_TABLE, UNKNOWN_COLUMN] = ['42P01', '42703'];
/** Parameters whose types PostgreSQL cannot tell, or takes for different ones in different places. */
const UNCLEAR_TYPES = /^(?:42P18|42P08|42725)$/;
/** The driver cannot send several statements with values, and the server takes only one with a cursor. */
const SEVERAL = 'cannot insert multiple commands into a prepared statement';

/** What PostgreSQL says of functions and comparisons that work on SQLite. */
const OF_SQLITE =
  /^function (?:strftime|datetime|julianday|unixepoch|median|percentile|json_each|json_extract|ifnull|iif|instr|group_concat|total|sum\(boolean)\b|^operator does not exist: (?:boolean|json) = integer/;

/** Codes about the server, its resources and other transactions. Every other code is about the statement. */
const OF_SERVER = /^(?:08|28|40|53|55|57|58|XX)/;

export interface Question {
  connection: OwnConnection;
  schema: string;
  sql: string;
  /** The limit in ms that the caller has set. */
  timeoutMs: number | undefined;
}

/** Returns whether the statement fails only because nothing tells the types of its parameters. */
export function hasUnclearTypes(error: unknown): boolean {
  return UNCLEAR_TYPES.test(sqlStateOf(error) ?? '');
}

/**
 * Turns an error of describing or running SQL from outside into a UsageError or DatabaseError; returns others
 * as they are. Asks the server for names: the failed transaction must have ended.
 */
export async function explainRead(error: unknown, question: Question): Promise<unknown> {
  const { connection, sql, timeoutMs } = question;
  const sqlstate = sqlStateOf(error);
  if (!(error instanceof Error) || error instanceof DatabaseError || sqlstate === null) {
    return explain(error, connection.name);
  }
  if (sqlstate === CANCELLED && timeoutMs !== undefined) return tooSlow(timeoutMs, error);
  if (sqlstate === DENIED || OF_SERVER.test(sqlstate)) return explain(error, connection.name);
  if (sqlstate === READ_ONLY) return refused('it would write to the database', error);
  if (error.message === SEVERAL) return refused('it holds more than one statement', error);
  const hint = 'hint' in error && typeof error.hint === 'string' ? ` (${error.hint})` : '';
  const message = `PostgreSQL cannot run this SQL: ${error.message}${hint}`;
  const facts = { ...(await namesFor(sqlstate, sql, question)), isOfSqlite: OF_SQLITE.test(error.message) };
  return new UsageError('sql_failed', facts, message, { cause: error });
}

function tooSlow(limitMs: number, cause: Error): UsageError<'sql_too_slow'> {
  const message = `the query was stopped: it took longer than ${limitMs / 1_000} s`;
  return new UsageError('sql_too_slow', { limitMs }, message, { cause });
}

/** Returns the names that could have been meant, if PostgreSQL did not know one. */
async function namesFor(
  sqlstate: string,
  sql: string,
  { connection, schema }: Question,
): Promise<Omit<UsageFacts['sql_failed'], 'isOfSqlite'>> {
  const nothing = { tables: [], columns: {} };
  if (sqlstate !== UNKNOWN_TABLE && sqlstate !== UNKNOWN_COLUMN) return nothing;
  const columns = await columnsIn(connection, schema).catch(() => ({}));
  if (sqlstate === UNKNOWN_TABLE) return { tables: Object.keys(columns), columns: {} };
  const words = new Set(sql.toLowerCase().match(/\w+/g));
  const named = Object.entries(columns).filter(([table]) => words.has(table.toLowerCase()));
  return { tables: [], columns: Object.fromEntries(named) };
}

/** Lists the columns of tables and views by their names, except the migrations' tables. */
async function columnsIn(
  { client }: OwnConnection,
  schema: string,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const { rows } = await client.query<{ table: string; columns: string[] }>(
    `select c.relname::text as table, array_agg(a.attname::text order by a.attnum) as columns
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relname not like 'kysely\\_%'
    group by c.relname order by c.relname`,
    [schema],
  );
  return Object.fromEntries(rows.map(({ table, columns }) => [table, columns]));
}
