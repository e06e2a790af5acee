import { requireSources } from '../config/load.ts';
import { Daemon } from '../daemon.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import type { CommandContext } from './context.ts';
import { syncOne } from './sync.ts';

export interface DaemonContext extends CommandContext {
  /** Calls `tick` at every slot of the cron expression; returns how to stop it. */
  startSchedule: (expression: string, timezone: string, tick: () => void) => () => void;
}

/**
 * `taskmirror daemon`: syncs at start and at every slot of the schedule, until the signal aborts; then the runs under way
 * give their page up, release their leases, and the exit code is 0.
 */
export async function daemon(context: DaemonContext): Promise<ExitCode> {
  const { settings, signal, log, clock } = context;
  const sources = requireSources(settings);
  const store = await context.openMirror({ create: true });
  const mirror = new Daemon({
    sources: sources.map((source) => ({ name: source.name, sync: () => syncOne(context, store, source) })),
    clock,
    log,
  });
  try {
    const { schedule, fullSchedule, timezone, database } = settings;
    const stopSchedule = context.startSchedule(schedule, timezone, () => mirror.tick());
    log.info(
      { pid: process.pid, database, schedule, timezone, sources: sources.map(({ name }) => name) },
      'daemon started',
    );
    log.debug({ fullSchedule }, 'full runs are not part of this version yet: fullSchedule is only checked');
    mirror.tick();
    await aborted(signal);
    log.info({}, 'stopping');
    stopSchedule();
    await mirror.stop();
  } finally {
    await store.close();
  }
  log.info({}, 'daemon stopped');
  return EXIT.done;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
