import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binariesIn } from '../../support/postgres/binaries.ts';
import { startServer } from '../../support/postgres/start.ts';

/** Starts a server outside of the tests. `bin`: a folder of binaries; undefined: those that npm brought. */
export async function startSimulatorServer(
  bin: string | undefined,
): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'taskmirror-pg-bin-'));
  // Another user runs what is copied there.
  chmodSync(folder, 0o755);
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const { url, stop } = await startServer({ bin: binariesIn(folder, bin) });
    return { url, stop: () => stop().finally(clear) };
  } catch (error) {
    clear();
    throw error;
  }
}
