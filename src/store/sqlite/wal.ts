import { statSync } from 'node:fs';
import type Database from 'better-sqlite3';

/** A WAL of at most this many bytes may stay as it is: it holds some hundred runs that found nothing. */
const SMALL_BYTES = 4 * 1024 * 1024;
/** How long a reader may hold us up, in ms. */
const BUSY_MS = 50;

/** Decides at the end of each run whether what is in the WAL goes into the file. */
export class Wal {
  readonly #db: Database.Database;
  /** A run has written what is to survive a power failure, and no checkpoint has come to its end since. */
  #isOwed = false;

  constructor(db: Database.Database) {
    this.#db = db;
  }

  /**
   * Empties the WAL after a run that wrote (`wrote`), or when it has grown; a reader that holds it leaves that to the
   * next run. The record of a run that found nothing is not worth a checkpoint: a power failure may take it.
   */
  settle({ wrote }: { wrote: boolean }): void {
    this.#isOwed ||= wrote;
    if (this.#isOwed || this.#bytes() > SMALL_BYTES) this.#isOwed = !emptyWal(this.#db);
  }

  #bytes(): number {
    return statSync(`${this.#db.name}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }
}

/** Brings all of the WAL into the file and cuts it to nothing; false where a reader is in the way. */
export function emptyWal(db: Database.Database): boolean {
  const timeout = Number(db.pragma('busy_timeout', { simple: true }));
  db.pragma(`busy_timeout = ${BUSY_MS}`);
  try {
    return db.pragma('wal_checkpoint(truncate)', { simple: true }) === 0;
  } finally {
    db.pragma(`busy_timeout = ${timeout}`);
  }
}
