import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../src/model/clock.ts';
import { connect } from '../../../src/store/postgres/connection.ts';
import { openStoreOn } from '../../../src/store/postgres/store.ts';
import type { SimulatedList } from '../../../src/source/simulated/list.ts';
import { type SyncOptions, syncSource, type SyncResult } from '../../../src/sync/sync.ts';
import type { MirrorStore } from '../../../src/store/store.ts';
import { withCommits } from '../commits.ts';
import { createFakeClock } from '../fake-clock.ts';
import { type MemoryOptions, memorySource } from '../memory-source.ts';
import { EPOCH } from '../tasks.ts';
import { targetOf } from './target.ts';

const HOUR = 3_600_000;
/** Turns of the event loop after which a page that was read is being written. */
const TURNS = 3;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** A mirror that runs of the core fill. */
export interface RunBench {
  /** Opens the mirror for one run of the source as a process of its own does, and closes it. */
  sync(list: SimulatedList, options?: BenchOptions): Promise<BenchResult>;
}

export interface BenchParts {
  /** The store and its connections, if not the real ones. */
  openOn?: typeof openStoreOn;
  connectTo?: typeof connect;
  clock?: Clock;
  /** See MirrorOptions. */
  leaseOffset?: () => number;
}

export interface BenchOptions extends MemoryOptions, Partial<SyncOptions> {
  /** The name of the source; `default` if left out. */
  source?: string;
  /** Has `beforeList` called only while nothing is being written. */
  betweenWrites?: boolean;
}

export interface BenchResult extends SyncResult {
  /** How often the run waited for the server, from the opening to the closing of the mirror. */
  roundTrips: number;
  /** The pages that were asked for. */
  pages: number;
}

/** Returns a bench for a mirror in this schema. */
export function runBench(
  { url, schema }: { url: string; schema: string },
  {
    openOn = openStoreOn,
    connectTo = connect,
    clock = createFakeClock(EPOCH + HOUR),
    leaseOffset,
  }: BenchParts = {},
): RunBench {
  const target = targetOf(url, { schema });
  const opening = { create: true, clock, omit: new Set<never>(), ...(leaseOffset && { leaseOffset }) };
  return {
    async sync(list, { source: name = 'default', betweenWrites = false, ...options } = {}) {
      const db = connectTo(target);
      const opened = await openOn(db, schema, opening);
      const { store, written } = withWrites(opened);
      const source = memorySource(list, {
        ...options,
        async beforeList(request) {
          if (betweenWrites) await written();
          await options.beforeList?.(request);
        },
      });
      try {
        const result = await syncSource(
          { name, baseUrl: 'https://api.example' },
          { store, connect: () => source, clock, logFor: () => SILENT },
          {
            pageSize: 100,
            concurrency: 4,
            overlapMs: 300_000,
            signal: new AbortController().signal,
            ...options,
          },
        );
        await store.close();
        return { ...result, roundTrips: db.roundTrips, pages: source.lists.length };
      } finally {
        await store.close();
      }
    },
  };
}

/** Returns the store, and a way to wait until nothing that was read so far is still being written. */
function withWrites(opened: MirrorStore): { store: MirrorStore; written: () => Promise<void> } {
  const writes = new Set<Promise<unknown>>();
  const store = withCommits(opened, (_change, write) => {
    const writing = write().finally(() => writes.delete(writing));
    writes.add(writing);
    return writing;
  });
  const written = async (): Promise<void> => {
    for (let turn = 0; turn < TURNS; turn += 1) await setImmediate();
    await Promise.allSettled(writes);
  };
  return { store, written };
}
