import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Movement } from './movement.ts';

/** What the simulated API accepts: no secret, since it serves nobody else. */
export const API_KEY = 'sigmic_bench_key_of_no_value';

/** What the API's process is told. */
export interface ApiOrder {
  /** Waited before each answer from now on. */
  latencyMs?: number;
  /** So many rows shall be new at the top of the list. */
  changes?: number;
  /** Count the rows whose activity is at most so far below the head's. */
  nearMs?: number;
  /**
   * The list is again as it was at the start, and moves like this before each answer to a list request but the first. A
   * request takes about half of the latency to reach it, and the answer the other half, by the chance of `seed`: answers
   * overtake each other.
   */
  movement?: Movement & { seed: number };
}

/** What it answers to each order, after it was carried out. */
export interface ApiAnswer {
  url: string;
  /** List requests since its start, or since an order of movement. */
  listRequests: number;
  rowsNear: number;
  /** The ids of rows that an order of movement has moved, or taken away. */
  moved: string[];
}

/** A simulated API that serves in a process of its own. */
export interface BenchApi {
  url: string;
  tell(order: ApiOrder): Promise<ApiAnswer>;
  close(): Promise<void>;
}

/** Starts an API that holds `count` tasks; a million take some 20 s to make. */
export async function startApi(count: number): Promise<BenchApi> {
  const child = fork(fileURLToPath(new URL('processes/api.ts', import.meta.url)), [String(count)]);
  const ended = once(child, 'exit');
  const answer = async (): Promise<ApiAnswer> => {
    const gone = ended.then(([code]) => {
      throw new Error(`The simulated API ended with exit code ${code}.`);
    });
    const [told] = await Promise.race([once(child, 'message'), gone]);
    return told as ApiAnswer;
  };
  const { url } = await answer();
  return {
    url,
    tell: (order) => {
      const told = answer();
      child.send(order);
      return told;
    },
    close: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
