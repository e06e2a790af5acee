import type { Clock } from '../../model/clock.ts';
import { type OwnConnection, openConnection } from './client.ts';
import { CHANNEL } from './numbered.ts';
import type { PostgresTarget } from './target.ts';

/** Time in ms before a connection that was lost is opened again. */
const PAUSE_MS = 30_000;

/**
 * Listens to what commits tell. Behind a pooler of transactions nothing may ever come: it is proven only by
 * what has come.
 */
export class Listener {
  readonly #target: PostgresTarget;
  readonly #clock: Clock;
  readonly #onTold: () => void;
  #connection: Promise<OwnConnection | null> | null = null;
  #begunAt = -Infinity;
  #isProven = false;
  #isClosed = false;

  /** `onTold` is called whenever a commit to this mirror tells that it changed tasks. */
  constructor(target: PostgresTarget, clock: Clock, onTold: () => void) {
    this.#target = target;
    this.#clock = clock;
    this.#onTold = onTold;
  }

  /** Whether something has come through the connection that is open. */
  get isProven(): boolean {
    return this.#isProven;
  }

  /** Begins to listen, unless it does, and then calls `onReady`. Without a connection, does nothing. */
  begin(onReady: () => void): void {
    if (this.#connection !== null || this.#isClosed) return;
    if (Math.abs(this.#clock.now() - this.#begunAt) < PAUSE_MS) return;
    this.#begunAt = this.#clock.now();
    this.#connection = this.#open(onReady);
  }

  /** Takes nothing that came for a proof any more: a change was not told. */
  doubt(): void {
    this.#isProven = false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const connection = await this.#connection;
    await connection?.client.end();
  }

  async #open(onReady: () => void): Promise<OwnConnection | null> {
    let connection: OwnConnection | undefined;
    try {
      connection = await openConnection(this.#target);
      const { client } = connection;
      client.on('notification', ({ payload }) => {
        if (payload !== this.#target.schema) return;
        this.#isProven = true;
        this.#onTold();
      });
      client.once('end', () => {
        this.#isProven = false;
        this.#connection = null;
      });
      await client.query(`listen ${CHANNEL}`);
      onReady();
      return connection;
    } catch {
      // The mirror is looked at all the same.
      await connection?.client.end().catch(() => {});
      this.#connection = null;
      return null;
    }
  }
}
