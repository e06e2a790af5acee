import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { binariesIn } from './binaries.ts';
import { startServer } from './start.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What the tests may use of PostgreSQL. */
    postgres: {
      /** The server that the tests share; its user may create schemas and roles. Null: there is none. */
      url: string | null;
      /** The folder of binaries to start other servers from. Null: there is none. */
      bin: string | null;
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
  try {
    const bin = binariesIn(folder, process.env['TASKMIRROR_TEST_POSTGRES_BIN']);
    const server = named === null ? await startServer({ bin }) : null;
    project.provide('postgres', { url: named ?? server?.url ?? null, bin, missing: null });
    return async () => {
      await server?.stop();
      clear();
    };
  } catch (error) {
    clear();
    const missing = `no PostgreSQL server can be started here: ${String(error).split('\n', 1)[0]}`;
    project.provide('postgres', { url: named, bin: null, missing });
    process.stderr.write(`Tests are skipped: ${missing}\n`);
    return async () => {};
  }
}
