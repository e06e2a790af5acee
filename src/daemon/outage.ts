import type { Clock } from '../model/clock.ts';
import type { ErrorCode, TaskmirrorError } from '../model/errors.ts';
import type { Log } from '../model/log.ts';
import { isOutage } from '../model/outage.ts';
import { pauseAfter } from './pause.ts';

/** The longest wait for a database server, in ms: trying costs little, and the mirror ages meanwhile. */
const LONGEST_WAIT_MS = 60_000;

/** A time during which the database server cannot be used. Logs its beginning, each other reason, and its end. */
export class Outage {
  readonly #log: Log;
  readonly #fields: object;
  #failures = 0;
  #code: ErrorCode | null = null;

  /** `fields` are part of each line. */
  constructor(log: Log, fields: object) {
    this.#log = log;
    this.#fields = fields;
  }

  /** Returns for how many ms to wait before the next try. */
  note(error: TaskmirrorError): number {
    this.#failures += 1;
    const level = error.code === this.#code ? 'debug' : 'error';
    this.#code = error.code;
    const pauseMs = pauseAfter(this.#failures, LONGEST_WAIT_MS);
    const message = 'the database cannot be used now; trying again until it can';
    this.#log[level]({ ...this.#fields, pauseMs, err: error }, message);
    return pauseMs;
  }

  /** The server has answered. */
  end(): void {
    if (this.#code === null) return;
    this.#failures = 0;
    this.#code = null;
    this.#log.info(this.#fields, 'the database can be used again');
  }
}

/**
 * Calls `open` until the database server can be used; says so once. Throws what else `open` throws, and the
 * signal's reason.
 */
export async function whenUsable<T>(
  open: () => Promise<T>,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<T> {
  const outage = new Outage(log, {});
  for (;;) {
    try {
      const opened = await open();
      outage.end();
      return opened;
    } catch (error) {
      if (!isOutage(error)) throw error;
      await clock.sleep(outage.note(error), signal);
    }
  }
}
