import type Database from 'better-sqlite3';
import { migrations } from '../../../migrations/sqlite/index.ts';
import { DatabaseError } from '../../model/errors.ts';

/** `pragma application_id` of every mirror: the bytes "tmir". */
export const APPLICATION_ID = 0x746d6972;

/** `pragma application_id` of a mirror that a copy is being made in: the bytes "tmic". No mirror to others. */
export const COPYING_ID = 0x746d6963;

/** `pragma user_version` of a mirror that this program writes: the number of migrations. */
export const SCHEMA_VERSION = Object.keys(migrations).length;

/** The content of a file: nothing yet, or a mirror of this schema version. */
export type Identity = { kind: 'empty' } | { kind: 'mirror'; version: number };

/**
 * Identifies a file without writing to it. Throws DatabaseError if it belongs to another program or to a
 * newer taskmirror, or is an unfinished copy.
 */
export function inspect(db: Database.Database, file: string): Identity {
  const applicationId = Number(db.pragma('application_id', { simple: true }));
  const version = Number(db.pragma('user_version', { simple: true }));
  const objects = db.prepare<[], number>('select count(*) from sqlite_master').pluck().get() ?? 0;
  if (applicationId === 0 && version === 0 && objects === 0) return { kind: 'empty' };
  if (applicationId === COPYING_ID) throw unfinished(file, copiedFrom(db));
  if (applicationId !== APPLICATION_ID) {
    throw new DatabaseError(
      'database_foreign',
      { file },
      `${file} is an SQLite database of another program; nothing was written to it`,
    );
  }
  if (version > SCHEMA_VERSION) {
    throw new DatabaseError(
      'database_newer',
      { file, schema: version, known: SCHEMA_VERSION },
      `${file} was made by a newer taskmirror (schema ${version}, this one knows ${SCHEMA_VERSION}); nothing was written to it`,
    );
  }
  return { kind: 'mirror', version };
}

/** Returns the origin of the copy that a file is to become; null if it is not noted yet. */
export function copiedFrom(db: Database.Database): string | null {
  if (db.prepare("select 1 from sqlite_schema where name = 'copy_state'").get() === undefined) return null;
  return db.prepare<[], string>('select origin from copy_state').pluck().get() ?? null;
}

function unfinished(file: string, origin: string | null): DatabaseError {
  return new DatabaseError(
    'copy_unfinished',
    { place: file, origin },
    `${file} is an unfinished copy of ${origin ?? 'another mirror'}`,
  );
}

/** Throws DatabaseError unless the file is a mirror that this program can read as it is. */
export function assertMirror(db: Database.Database, file: string): void {
  const identity = inspect(db, file);
  if (identity.kind === 'mirror' && identity.version === SCHEMA_VERSION) return;
  const schema = identity.kind === 'empty' ? 0 : identity.version;
  throw new DatabaseError(
    'database_outdated',
    { file, schema, known: SCHEMA_VERSION },
    `${file} ${schema === 0 ? 'is empty' : `has the older schema ${schema}`}`,
  );
}
