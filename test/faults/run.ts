import type { ExitCode } from '../../src/cli/exit.ts';
import type { MirrorStore, SourceStatus } from '../../src/store/store.ts';
import { type SyncOptions, syncSource, type SyncResult } from '../../src/sync/sync.ts';
import { testSource } from '../source/http/loopback.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { memoryLog, temporaryMirror } from '../support/mirror.ts';
import { EPOCH } from '../support/tasks.ts';
import { withExitCode } from '../support/told.ts';
import type { FaultyApi } from './api.ts';

export const KEY = 'sigmic_5e0d7f31c2b84a96';

/** A mirror in a file, a fake clock that stands an hour after EPOCH, and whole runs over HTTP. */
export interface FaultBench {
  store: MirrorStore;
  file: string;
  clock: FakeClock;
  log: ReturnType<typeof memoryLog>;
  /** One run, as the program does it. */
  sync(
    api: Pick<FaultyApi, 'url'>,
    options?: Partial<SyncOptions> & { store?: MirrorStore },
  ): Promise<SyncResult & { exitCode: ExitCode }>;
  status(): Promise<SourceStatus>;
}

/** `retryMs`: how long all attempts at one request may take together. */
export async function faultBench({ retryMs = 120_000 } = {}): Promise<FaultBench> {
  const clock = createFakeClock(EPOCH + 3_600_000);
  const mirror = await temporaryMirror(clock);
  const log = memoryLog();
  const key = { value: KEY, origin: 'environment variable SIGMIC_API_KEY' };
  return {
    ...mirror,
    clock,
    log,
    async sync({ url }, { store = mirror.store, ...options } = {}) {
      const result = await syncSource(
        { name: 'default', baseUrl: url },
        {
          store,
          clock,
          logFor: () => log,
          connect: () => testSource(url, { key, retryMs, clock, log }).source,
        },
        {
          pageSize: 100,
          // Faults come at requests of a certain number: one after the other, so that it is known which those are.
          concurrency: 1,
          overlapMs: 300_000,
          signal: new AbortController().signal,
          ...options,
        },
      );
      return withExitCode(result);
    },
    async status() {
      const [status] = await mirror.store.status();
      if (status === undefined) throw new Error('the mirror knows no source');
      return status;
    },
  };
}
