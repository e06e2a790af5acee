import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Movement } from './movement.ts';

/** The key that the simulated API accepts. It is no secret, since the API serves nobody else. */
export const API_KEY = 'sigmic_bench_key_of_no_value';

/** An order to the API's process. */
export interface ApiOrder {
  /** Wait before each answer from now on. */
  latencyMs?: number;
  /** Rows to add at the top of the list. */
  changes?: number;
  /** Count the rows whose activity is at most this far below the head's. */
  nearMs?: number;
  /**
   * Reset the list to its start, and move it like this before each answer to a list request except the first.
   * A request takes about half of the latency to reach it, and the answer the other half, varied at random
   * from `seed`: answers overtake each other.
   */
  movement?: Movement & { seed: number };
}

/** The answer to each order, sent once it was carried out. */
export interface ApiAnswer {
  url: string;
  /** List requests since its start, or since an order of movement. */
  listRequests: number;
  rowsNear: number;
  /** The ids of rows that an order of movement has moved or removed. */
  moved: string[];
}

/** A simulated API that serves in its own process. */
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
