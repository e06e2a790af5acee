import { hasCode } from '../../model/errors.ts';
import { connect, type Database } from './connection.ts';
import { SCHEMA_VERSION, versionOf } from './identity.ts';
import { prefixOf } from './names.ts';
import type { ReaderRoleFacts, ServerFacts } from '../server.ts';
import type { PostgresTarget } from './target.ts';

/** Asks the server. `now` returns ms. Throws DatabaseError. */
export async function inspectServer(target: PostgresTarget, now: () => number): Promise<ServerFacts> {
  const db = connect(target, { max: 1 });
  try {
    const version = await versionOf(db, target.schema);
    const began = now();
    const [row] = await db.query<FactsRow>(FACTS, [target.schema]);
    if (row === undefined) throw new Error('The server gave no answer.');
    return {
      name: db.name,
      version: row.version,
      versionNumber: Number(row.number),
      encoding: row.encoding,
      isEncrypted: row.encrypted === true,
      isStandby: row.standby,
      isReadOnly: row.read_only === 'on',
      isSuperuser: row.superuser,
      time: Date.parse(row.time),
      tookMs: now() - began,
      connections: { used: row.used, most: row.most },
      mirror: { version, known: SCHEMA_VERSION },
      mayCreate: row.may_create,
      invalidIndexes: row.invalid ?? [],
      owner: row.owner,
    };
  } finally {
    await db.end();
  }
}

interface FactsRow {
  version: string;
  number: string;
  encoding: string;
  encrypted: boolean | null;
  standby: boolean;
  read_only: string;
  superuser: boolean;
  time: string;
  used: number;
  most: number;
  may_create: boolean;
  invalid: string[] | null;
  owner: string | null;
}

const FACTS = `select current_setting('server_version') as version,
    current_setting('server_version_num') as number,
    pg_encoding_to_char(encoding) as encoding,
    (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as encrypted,
    pg_is_in_recovery() as standby,
    current_setting('default_transaction_read_only') as read_only,
    (select rolsuper from pg_roles where rolname = current_user) as superuser,
    clock_timestamp() as time,
    (select count(*) from pg_stat_activity where backend_type = 'client backend') as used,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as most,
    case when to_regnamespace(quote_ident($1)) is null
      then has_database_privilege(current_database(), 'create')
      else has_schema_privilege(quote_ident($1), 'create') end as may_create,
    (select array_agg(c.relname::text order by c.relname)
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and not i.indisvalid) as invalid,
    (select pg_get_userbyid(c.relowner) from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = 'tasks' and not pg_has_role(c.relowner, 'usage')) as owner
  from pg_database where datname = current_database()`;

/** Asks the server what the role of this target may do. Throws DatabaseError, also if it may not read the mirror. */
export async function inspectReaderRole(target: PostgresTarget): Promise<ReaderRoleFacts> {
  const db = connect(target, { max: 1 });
  try {
    const version = await versionOf(db, target.schema);
    const [row] = await db.query<{ superuser: boolean; writes: boolean; unreadable: string[] | null }>(
      `select (select rolsuper from pg_roles where rolname = current_user) as superuser,
        coalesce(bool_or(has_table_privilege(c.oid, 'insert, update, delete, truncate')), false) as writes,
        array_agg(c.relname::text order by c.relname)
          filter (where not has_table_privilege(c.oid, 'select')) as unreadable
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind in ('r', 'v')`,
      [target.schema],
    );
    return {
      name: db.name,
      hasMirror: version > 0,
      isSuperuser: row?.superuser === true,
      mayWrite: row?.writes === true,
      unreadable: row?.unreadable ?? [],
    };
  } finally {
    await db.end();
  }
}

/** Most problems that a check lists. */
const SHOWN = 5;
/** Time for the check of one index, in ms. */
const CHECK_MS = 6 * 3_600_000;

/**
 * Checks the tables and indexes of the mirror: with the extension amcheck, if somebody installed it, each index
 * against its table (postgresql.org/docs/current/amcheck.html). Returns at most 5 problems, one line each, and
 * the number of indexes checked; null if amcheck is not there. Throws DatabaseError.
 */
export async function checkIntegrity(
  target: PostgresTarget,
): Promise<{ problems: string[]; indexes: number | null }> {
  const db = connect(target, { max: 1 });
  try {
    const invalid = await db.query<{ name: string }>(INDEXES('not i.indisvalid'), [target.schema]);
    const problems = invalid.map(({ name }) => `index ${name} is not complete`);
    const [amcheck] = await db.query<{ schema: string }>(
      `select n.nspname as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace
      where e.extname = 'amcheck'`,
    );
    if (amcheck === undefined) return { problems: problems.slice(0, SHOWN), indexes: null };
    const checked = await checkIndexes(db, target.schema, prefixOf(amcheck.schema));
    return { problems: [...problems, ...checked.problems].slice(0, SHOWN), indexes: checked.count };
  } finally {
    await db.end();
  }
}

const INDEXES = (condition: string): string => `select c.relname as name, i.indexrelid as oid
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_am m on m.oid = c.relam
  where n.nspname = $1 and ${condition} order by 1`;

async function checkIndexes(
  db: Database,
  schema: string,
  amcheck: string,
): Promise<{ problems: string[]; count: number }> {
  const indexes = await db.query<{ name: string; oid: number }>(
    INDEXES(`i.indisvalid and m.amname = 'btree'`),
    [schema],
  );
  const problems: string[] = [];
  for (const { name, oid } of indexes) {
    const check = `select ${amcheck}bt_index_check($1::oid::regclass, true)`;
    await db.query(check, [oid], { timeoutMs: CHECK_MS }).catch((error: unknown) => {
      if (!isDamage(error)) throw error;
      problems.push(`index ${name}: ${error.message}`);
    });
  }
  return { problems, count: indexes.length };
}

/** Index corruption, as amcheck reports it. */
function isDamage(error: unknown): error is Error {
  return hasCode(error, 'server_damaged');
}
