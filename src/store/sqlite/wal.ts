import { statSync } from 'node:fs';
import type Database from 'better-sqlite3';

/** A WAL of at most this many bytes may stay as it is: it holds some hundred runs that found nothing. */
const SMALL_BYTES = 4 * 1024 * 1024;
/** Longest time that a reader may delay us, in ms. */
const BUSY_MS = 50;

/** The decision at the end of each run whether to move the WAL into the file. */
export class Wal {
  readonly #db: Database.Database;
  /** A run has written data that must survive a power failure, and no checkpoint has completed since. */
  #isOwed = false;

  constructor(db: Database.Database) {
    this.#db = db;
  }

  /**
   * Empties the WAL after a run that wrote (`wrote`), or when it has grown; if a reader holds it, the next
   * run does. The record of a run that found nothing is not worth a checkpoint: a power failure may take it.
   */
  settle({ wrote }: { wrote: boolean }): void {
    this.#isOwed ||= wrote;
    if (this.#isOwed || this.#bytes() > SMALL_BYTES) this.#isOwed = !emptyWal(this.#db);
  }

  #bytes(): number {
    return statSync(`${this.#db.name}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }
}

/** Moves all of the WAL into the file and truncates it; returns false if a reader is in the way. */
export function emptyWal(db: Database.Database): boolean {
  const timeout = Number(db.pragma('busy_timeout', { simple: true }));
  db.pragma(`busy_timeout = ${BUSY_MS}`);
  try {
    return db.pragma('wal_checkpoint(truncate)', { simple: true }) === 0;
  } finally {
    db.pragma(`busy_timeout = ${timeout}`);
  }
}
