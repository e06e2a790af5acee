import type { CopyOrigin } from '../copyable.ts';
import { readable } from './copy-rows.ts';
import { withFile } from './failure.ts';
import { openReadOnly } from './readonly.ts';

/**
 * Opens a mirror to be copied, as of now. Others go on writing to it; only the WAL cannot be cut back before it
 * is closed. Throws DatabaseError. `batchRows`: the most rows of a batch.
 */
export async function openCopyOrigin(
  file: string,
  options: { batchRows?: number } = {},
): Promise<CopyOrigin> {
  const db = openReadOnly(file);
  try {
    const mirror = readable(db, options);
    // SQLite takes the snapshot with the first read of a transaction.
    withFile(db.name, () => db.exec('begin'));
    await mirror.count('sources');
    return { ...mirror, close: async () => void db.close() };
  } catch (error) {
    db.close();
    throw error;
  }
}
