import type { Change } from '../store/store.ts';
import type { Clock } from '../model/clock.ts';
import type { RejectedRow } from '../model/task.ts';
import type { Ledger } from '../model/ledger.ts';
import type { Task } from '../model/task.ts';

/**
 * Most rows of one transaction, give or take a page. Ids are random, so every transaction writes most pages
 * of their index again: with 5,000 a first run of a million tasks writes 40 % more. With 20,000 it writes a
 * fifth less, but holds 130 MB in memory, at times more, instead of 120.
 */
const MOST_BATCH_ROWS = 12_000;
/** Most characters of text in one transaction, give or take a page: memory holds them until the commit. */
const MOST_BATCH_CHARACTERS = 16_000_000;
/** Most rows of a batch, as a share of the rows that the run has committed: an early kill costs little. */
const SHARE_OF_COMMITTED = 1 / 8;
/** Longest time between two commits while pages come in, in ms. */
const LONGEST_BATCH_MS = 1_000;

/** The changes that one page brings to the mirror. */
export interface PageChange {
  tasks: readonly Task[];
  rejected: readonly RejectedRow[];
  /** The coverage once this page and all pages before it are mirrored. */
  ledger: Ledger;
  /** The API's total, from the run's first page only. */
  total?: number | null;
}

/** A batch in the form that the store takes. */
export type BatchChange = Change & { ledger: Ledger };

/** Pages that are committed together, with the ledger that all of them prove. */
export class Batch {
  readonly #clock: Clock;
  #tasks: Task[] = [];
  #text = 0;
  #change: BatchChange | null = null;
  #committed = 0;
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  add({ tasks, rejected, ledger, total }: PageChange): void {
    this.#tasks.push(...tasks);
    for (const task of tasks) this.#text += textOf(task);
    this.#change = {
      ...this.#change,
      tasks: this.#tasks,
      rejected: [...(this.#change?.rejected ?? []), ...rejected],
      ledger,
      ...(total === undefined ? {} : { total }),
    };
  }

  get isDue(): boolean {
    if (this.#change === null) return false;
    // A later page may show a good version of a rejected row. Commit now, so that it is written after the
    // rejection.
    if (this.#change.rejected.length > 0) return true;
    if (this.#tasks.length >= Math.min(MOST_BATCH_ROWS, this.#committed * SHARE_OF_COMMITTED)) return true;
    if (this.#text >= MOST_BATCH_CHARACTERS) return true;
    // The clock may have been set back.
    return Math.abs(this.#clock.now() - this.#since) >= LONGEST_BATCH_MS;
  }

  /** Returns what to commit now, or null if there is nothing, and empties the batch. */
  take(): BatchChange | null {
    const change = this.#change;
    this.#committed += this.#tasks.length;
    this.#tasks = [];
    this.#text = 0;
    this.#change = null;
    this.#since = this.#clock.now();
    return change;
  }
}

/** Counts the characters of the fields that may be of any length. */
function textOf({ message, systemPrompt, env, error, extra }: Task): number {
  return [message, systemPrompt, env, error, extra].reduce((sum, text) => sum + (text?.length ?? 0), 0);
}
