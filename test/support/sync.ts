import type { ExitCode } from '../../src/cli/exit.ts';
import type { SimulatedList } from '../../src/source/simulated/list.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { MirrorStore } from '../../src/store/store.ts';
import { type SyncOptions, syncSource, type SyncResult } from '../../src/sync/sync.ts';
import { createFakeClock } from './fake-clock.ts';
import { type MemoryOptions, type MemorySource, memorySource } from './memory-source.ts';
import { memoryLog, temporaryMirror } from './mirror.ts';
import { EPOCH } from './tasks.ts';
import { withExitCode } from './told.ts';

export interface Bench {
  store: MirrorStore;
  file: string;
  clock: Clock;
  log: ReturnType<typeof memoryLog>;
  /** Does one run of the real core against the list, into the real store. */
  sync(
    list: SimulatedList,
    options?: MemoryOptions & Partial<SyncOptions>,
  ): Promise<SyncResult & { exitCode: ExitCode; source: MemorySource }>;
}

/** Creates a mirror in a file, a clock set to an hour after the newest task, and a way to sync. */
export async function syncBench(mirror: { searchIndex?: boolean } = {}): Promise<Bench> {
  const clock = createFakeClock(EPOCH + 3_600_000);
  const { store, file } = await temporaryMirror(clock, mirror);
  const log = memoryLog();
  return {
    store,
    file,
    clock,
    log,
    async sync(list, options = {}) {
      const source = memorySource(list, options);
      const result = await syncSource(
        { name: 'default', baseUrl: 'https://api.example' },
        { store, connect: () => source, clock, logFor: () => log },
        {
          pageSize: 100,
          concurrency: 4,
          overlapMs: 300_000,
          signal: new AbortController().signal,
          ...options,
        },
      );
      return { ...withExitCode(result), source };
    },
  };
}
