import { resolve } from 'node:path';
import Database from 'better-sqlite3';
import { explain, withFile } from './failure.ts';
import { openReadOnly } from './readonly.ts';

/**
 * Copies a mirror as of one moment into `target`, an empty file, while other processes may go on writing to
 * it. The copy is one file that can be read even if nothing may be written: VACUUM INTO leaves it out of WAL
 * mode. It has no leases: nobody syncs it. Throws DatabaseError.
 */
export function copyMirror(file: string, target: string): void {
  const mirror = openReadOnly(file);
  try {
    mirror.prepare('vacuum into ?').run(resolve(target));
  } catch (error) {
    // SQLite does not report which file failed: the copy is the one that grows.
    const isFull = error instanceof Database.SqliteError && error.code === 'SQLITE_FULL';
    throw explain(error, isFull ? target : file);
  } finally {
    mirror.close();
  }
  withFile(target, () => {
    const copy = new Database(resolve(target), { fileMustExist: true });
    try {
      // The caller fsyncs the file and deletes it on failure; no journal needed.
      copy.pragma('journal_mode = memory');
      copy.exec('delete from leases');
    } finally {
      copy.close();
    }
  });
}
