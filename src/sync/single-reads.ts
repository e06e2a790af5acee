import { ApiFailedError, KeyRefusedError } from '../model/errors.ts';
import type { TaskSource } from '../source/source.ts';

/** The result of a GET: what the source says about the task, or why it says nothing, in one line. */
export type SingleRead = Awaited<ReturnType<TaskSource['get']>> | { withheld: string };

/**
 * Reads single tasks. A task that the API withholds (it forbids it, or fails on it each time) fails neither
 * the run nor the other tasks. If all tasks of a call fail, one list request shows whether the API itself
 * fails.
 */
export class SingleReads {
  readonly #source: TaskSource;
  readonly #signal: AbortSignal;
  readonly #onRequest: () => void;
  /** Halved each time waiting was no use: all tasks that fail wait, together, no longer than two requests. */
  #patience = 1;

  /** `onRequest` is called for each request that is sent. */
  constructor(source: TaskSource, { signal, onRequest }: { signal: AbortSignal; onRequest: () => void }) {
    this.#source = source;
    this.#signal = signal;
    this.#onRequest = onRequest;
  }

  /**
   * Reads these tasks, all at once, and returns the answers in the order of the ids. Throws KeyRefusedError
   * or ApiFailedError only if the list fails as well, or the signal's reason.
   */
  async read(ids: readonly string[]): Promise<SingleRead[]> {
    const attempts = ids.map(() => 0);
    const gets = ids.map((id, i) => {
      const onRequest = (): void => {
        attempts[i] = (attempts[i] ?? 0) + 1;
        this.#onRequest();
      };
      return this.#source.get(id, { signal: this.#signal, onRequest, patience: this.#patience });
    });
    // All of them settle before a failure counts: a request left behind would outlive the run.
    const reads = (await Promise.allSettled(gets)).map((settled) => this.#readOf(settled));
    const failed = reads.flatMap((read, i) => (read !== null && 'withheld' in read ? [i] : []));
    if (failed.some((i) => (attempts[i] ?? 0) > 1)) this.#patience /= 2;
    if (failed.length > 0 && failed.length === ids.length) await this.#askList();
    return reads;
  }

  #readOf(settled: PromiseSettledResult<Awaited<ReturnType<TaskSource['get']>>>): SingleRead {
    if (settled.status === 'fulfilled') return settled.value;
    this.#signal.throwIfAborted();
    const { reason } = settled;
    if (reason instanceof ApiFailedError || reason instanceof KeyRefusedError) {
      return { withheld: reason.message };
    }
    throw reason;
  }

  async #askList(): Promise<void> {
    const context = { signal: this.#signal, onRequest: this.#onRequest };
    await this.#source.list({ offset: 0, limit: 1 }, context);
  }
}
