import { migrations } from '../../../migrations/postgres/index.ts';
import { DatabaseError } from '../../model/errors.ts';
import type { Database } from './connection.ts';
import { sqlStateOf } from './failure.ts';
import { prefixOf } from './names.ts';

/** The schema's version of a mirror that this program writes: the number of migrations. */
export const SCHEMA_VERSION = Object.keys(migrations).length;

/** The server knows no such table, or no such schema. */
const UNKNOWN = /^(?:42P01|3F000)$/;

/** Returns the version of the mirror in a schema: the number of its migrations; 0 if there is none. */
export async function versionOf(db: Database, schema: string): Promise<number> {
  try {
    const [row] = await db.query<{ version: number }>(
      `select count(*) as version from ${prefixOf(schema)}kysely_migration`,
    );
    return row?.version ?? 0;
  } catch (error) {
    if (UNKNOWN.test(sqlStateOf(error) ?? '')) return 0;
    throw error;
  }
}

/** Throws DatabaseError unless a mirror of this version is one that this program can use as it is. */
export function assertVersion(db: Database, schema: string, version: number): void {
  if (version === SCHEMA_VERSION) return;
  const place = `${db.name}, schema ${schema}`;
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
