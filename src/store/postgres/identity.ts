import { migrations } from '../../../migrations/postgres/index.ts';
import { DatabaseError } from '../../model/errors.ts';
import type { Database } from './connection.ts';
import { sqlStateOf } from './failure.ts';
import { prefixOf } from './names.ts';

/** The schema's version of a mirror that this program writes: the number of migrations. */
export const SCHEMA_VERSION = Object.keys(migrations).length;

/**
 * The name of a migration that an unfinished copy has besides the real ones: with it no version of this program
 * takes the schema for a mirror that it could write.
 */
export const COPY_MARK = 'zzzz_copy_unfinished';

/** The server knows no such table, or no such schema. */
const UNKNOWN = /^(?:42P01|3F000)$/;

type Place = Pick<Database, 'name' | 'query'>;

/** What a schema holds. `version` is the number of its migrations, `origin` the mirror that is copied. */
export type Identity =
  { kind: 'none' } | { kind: 'mirror'; version: number } | { kind: 'copy'; version: number; origin: string };

export async function inspect(db: Place, schema: string): Promise<Identity> {
  const s = prefixOf(schema);
  const table = `${s}kysely_migration`;
  const counts = `select count(*) filter (where name <> $1) as version, count(*) filter (where name = $1) as copies
    from ${table}`;
  let found;
  try {
    [found] = await db.query<{ version: number; copies: number }>(counts, [COPY_MARK]);
  } catch (error) {
    if (UNKNOWN.test(sqlStateOf(error) ?? '')) return { kind: 'none' };
    throw error;
  }
  const { version, copies } = found ?? { version: 0, copies: 0 };
  if (copies > 0) {
    const [state] = await db.query<{ origin: string }>(`select origin from ${s}copy_state`);
    return { kind: 'copy', version, origin: state?.origin ?? '' };
  }
  return version === 0 ? { kind: 'none' } : { kind: 'mirror', version };
}

/**
 * Returns the version of the mirror in a schema: the number of its migrations; 0 if there is none. Throws
 * DatabaseError for an unfinished copy.
 */
export async function versionOf(db: Place, schema: string): Promise<number> {
  const found = await inspect(db, schema);
  if (found.kind !== 'copy') return found.kind === 'none' ? 0 : found.version;
  const place = placeOf(db.name, schema);
  throw new DatabaseError(
    'copy_unfinished',
    { place, origin: found.origin },
    `${place} is an unfinished copy of ${found.origin}`,
  );
}

/** Names a schema of a database for people. */
export function placeOf(server: string, schema: string): string {
  return `${server}, schema ${schema}`;
}

/** Throws DatabaseError unless a mirror of this version is one that this program can use as it is. */
export function assertVersion(db: Pick<Database, 'name'>, schema: string, version: number): void {
  if (version === SCHEMA_VERSION) return;
  const place = placeOf(db.name, schema);
  const facts = { server: db.name, schema, version, known: SCHEMA_VERSION };
  if (version === 0) {
    const message = `there is no mirror in ${place}`;
    throw new DatabaseError('mirror_missing', { server: db.name, schema }, message);
  }
  if (version > SCHEMA_VERSION) {
    throw new DatabaseError(
      'mirror_newer',
      facts,
      `${place} was made by a newer taskmirror (schema ${version}, this one knows ${SCHEMA_VERSION}); nothing was written to it`,
    );
  }
  throw new DatabaseError('mirror_outdated', facts, `${place} has the older schema ${version}`);
}
