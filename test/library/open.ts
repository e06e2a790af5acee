import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Mirror, openMirror, type OpenMirrorOptions, type SyncOptions } from '../../src/index.ts';
import { type ApiTask, SimulatedList } from '../../src/source/simulated/list.ts';
import { type FaultyApi, serveList } from '../faults/api.ts';
import { temporaryFolder } from '../support/mirror.ts';

export const KEY = 'sigmic_library_test';

export interface LibraryBench {
  list: SimulatedList;
  api: FaultyApi;
  file: string;
  mirror: Mirror;
  /** What a sync from this API needs, without retries. */
  options: SyncOptions;
}

/** A mirror in a file, not synced yet, and an API on loopback with these tasks. Both are closed when the test is done. */
export async function libraryBench(
  tasks: readonly ApiTask[],
  options: OpenMirrorOptions = {},
): Promise<LibraryBench> {
  const list = new SimulatedList(tasks);
  const api = await serveList(list);
  const file = join(temporaryFolder(), 'mirror.db');
  const mirror = await openMirror(file, options);
  onTestFinished(() => mirror.close());
  return { list, api, file, mirror, options: { apiKey: KEY, baseUrl: api.url, retrySeconds: 0 } };
}

/** What a promise is rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
