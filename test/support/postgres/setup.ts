import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { binariesIn } from './binaries.ts';
import { createDatabases } from './databases.ts';
import { initialize, type Server, serverUser, startServer } from './start.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What the tests may use of PostgreSQL. */
    postgres: {
      /**
       * Databases of the server that the tests share, one for each worker of Vitest; their user may create
       * schemas, databases and roles. Null: there is no server.
       */
      urls: readonly string[] | null;
      /** The folder of binaries to start other servers from. Null: there is none. */
      bin: string | null;
      /** A data folder for them to begin with. Null: there are no binaries. */
      data: string | null;
      /** Why there is no server or no binaries; null: both are there. */
      missing: string | null;
    };
  }
}

/**
 * Starts the server that all tests share, and stops it after the last. TASKMIRROR_TEST_POSTGRES names another
 * server to use, and TASKMIRROR_TEST_POSTGRES_BIN a folder of other binaries.
 */
export default async function provideServer(project: TestProject): Promise<() => Promise<void>> {
  const named = process.env['TASKMIRROR_TEST_POSTGRES'] ?? null;
  const folder = mkdtempSync(join(tmpdir(), 'taskmirror-pg-bin-'));
  // Another user runs what is copied there.
  chmodSync(folder, 0o755);
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  let bin: string | null = null;
  let data: string | null = null;
  let server: Server | null = null;
  let missing: string | null = null;
  try {
    const found = binariesIn(folder, process.env['TASKMIRROR_TEST_POSTGRES_BIN']);
    const initialized = await initializeIn(join(folder, 'initialized'), found);
    if (named === null) server = await startServer({ bin: found, initialized });
    [bin, data] = [found, initialized];
  } catch (error) {
    clear();
    missing = `no PostgreSQL server can be started here: ${String(error).split('\n', 1)[0]}`;
    process.stderr.write(`Tests are skipped: ${missing}\n`);
  }
  const url = named ?? server?.url ?? null;
  const databases = url === null ? null : await createDatabases(url, project.config.maxWorkers);
  project.provide('postgres', { urls: databases?.urls ?? null, bin, data, missing });
  return async () => {
    await (server === null ? databases?.drop() : server.stop());
    clear();
  };
}

async function initializeIn(folder: string, bin: string): Promise<string> {
  const owner = serverUser();
  mkdirSync(folder);
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  await initialize(bin, data);
  return data;
}
