import { onTestFinished } from 'vitest';
import { generateTasks } from '../../src/source/simulated/generate.ts';
import { type ApiTask, SimulatedList } from '../../src/source/simulated/list.ts';
import { type ApiStats, createApi, startServer } from '../../src/source/simulated/server.ts';
import { EPOCH } from '../support/tasks.ts';

export const KEY = 'sigmic_4f0c2d71a9e84b6f';

/** A simulated API in the test's own process, which the program asks over HTTP. */
export interface TestApi {
  readonly list: SimulatedList;
  readonly url: string;
  /** Live counts of the requests so far. */
  readonly stats: ApiStats;
  /** What a program needs to know of it. */
  readonly env: { SIGMIC_API_KEY: string; SIGMIC_BASE_URL: string };
  /** Called with the number of each list request, and waited for, before it is answered. */
  beforeList: (number: number) => void | Promise<void>;
  /** Takes it down before the test is over. */
  close(): Promise<void>;
}

/** Serves these tasks until the test is over. Its clock stands an hour after EPOCH, unless `now` says another time. */
export async function serveTasks(
  tasks: Iterable<ApiTask>,
  { key = KEY, now = () => EPOCH + 3_600_000 }: { key?: string; now?: () => number } = {},
): Promise<TestApi> {
  const list = new SimulatedList(tasks);
  const { app, stats } = createApi({
    list,
    keys: [key],
    now,
    onRequest: ({ kind, number }) => (kind === 'list' ? api.beforeList(number) : undefined),
  });
  const server = await startServer(app);
  onTestFinished(server.close);
  const api: TestApi = {
    list,
    url: server.url,
    stats,
    env: { SIGMIC_API_KEY: key, SIGMIC_BASE_URL: server.url },
    beforeList: () => {},
    close: server.close,
  };
  return api;
}

/** Holds back the answers to list request `number` (the very next one unless given) and to those after it. */
export function holdList(
  api: TestApi,
  number = api.stats.list + 1,
): { arrived: Promise<void>; release: () => void } {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  api.beforeList = async (current) => {
    if (current < number) return;
    arrived.resolve();
    await released.promise;
  };
  onTestFinished(() => released.resolve());
  return { arrived: arrived.promise, release: released.resolve };
}

/** `count` tasks of a team up to EPOCH: some open near the head, two open ones long forgotten. */
export function teamTasks(count: number, seed = 1): ApiTask[] {
  return generateTasks({ count, seed, now: EPOCH });
}
