import { requireSources } from '../config/sources.ts';
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
    sources: sources.map((source) => ({
      name: source.name,
      sync: (options) => syncOne(context, store, source, options),
    })),
    clock,
    log,
  });
  try {
    const { schedule, fullSchedule, timezone, database } = settings;
    const stops = [context.startSchedule(schedule, timezone, () => mirror.tick())];
    if (fullSchedule !== null) {
      stops.push(context.startSchedule(fullSchedule, timezone, () => mirror.tickFull()));
    }
    const names = sources.map(({ name }) => name);
    log.info(
      { pid: process.pid, database, schedule, fullSchedule, timezone, sources: names },
      'daemon started',
    );
    mirror.tick();
    await aborted(signal);
    log.info({}, 'stopping');
    for (const stop of stops) stop();
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
