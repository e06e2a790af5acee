import type { CommandContext } from '../../src/cli/context.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { MirrorClaim } from '../../src/store/store.ts';
import { openReportable } from '../../src/store/sqlite/reports/reportable.ts';
import { Captured } from '../support/captured.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { temporaryMirror } from '../support/mirror.ts';

/** A mirror that tests fill, and a command's view of it. */
export interface AskedMirror {
  clock: FakeClock;
  claim: MirrorClaim;
  file: string;
  /** The context of a command that prints to a terminal of `columns`, or to a pipe. */
  contextFor(columns?: number): Pick<
    CommandContext,
    'io' | 'clock' | 'settings' | 'signal' | 'openForReports'
  > & {
    stdout: Captured;
    stderr: Captured;
  };
}

export async function askedMirror(): Promise<AskedMirror> {
  const clock = createFakeClock();
  const { store, file } = await temporaryMirror(clock);
  const { settings } = await loadSettings({ env: {}, cwd: '/', flags: {} });
  return {
    clock,
    file,
    claim: await store.claim({ name: 'default', baseUrl: 'https://api.example' }),
    contextFor(columns) {
      const [stdout, stderr] = [new Captured(columns), new Captured(columns)];
      const signal = new AbortController().signal;
      const io = { stdout, stderr, env: {}, cwd: '/' };
      return {
        stdout,
        stderr,
        io,
        clock,
        settings,
        signal,
        openForReports: async () => openReportable(file),
      };
    },
  };
}
