import { requireSources } from '../config/sources.ts';
import { Daemon } from '../daemon.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import type { Clock } from '../ports.ts';
import type { CommandContext } from './context.ts';
import { syncOne } from './sync.ts';

export interface DaemonContext extends CommandContext {
  /** Calls `tick` at every slot of the cron expression, until the signal aborts. Rejects where it cannot go on. */
  followSchedule: (
    expression: string,
    timezone: string,
    parts: { clock: Clock; signal: AbortSignal; tick: () => void },
  ) => Promise<void>;
}

/**
 * `taskmirror daemon`: syncs at start and at every slot of the schedule, until the signal aborts; then the runs under way
 * give their page up, release their leases, and the exit code is 0. Throws what keeps it from going on.
 */
export async function daemon(outer: DaemonContext): Promise<ExitCode> {
  const { settings, log, clock } = outer;
  const sources = requireSources(settings);
  const store = await outer.openMirror({ create: true });
  const stopping = new AbortController();
  const context = { ...outer, signal: AbortSignal.any([outer.signal, stopping.signal]) };
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
    const names = sources.map(({ name }) => name);
    log.info(
      { pid: process.pid, database, schedule, fullSchedule, timezone, sources: names },
      'daemon started',
    );
    mirror.tick();
    const follow = (expression: string, tick: () => void): Promise<void> =>
      context.followSchedule(expression, timezone, { clock, signal: context.signal, tick });
    const ends = [mirror.failed, follow(schedule, () => mirror.tick())];
    if (fullSchedule !== null) ends.push(follow(fullSchedule, () => mirror.tickFull()));
    await Promise.race(ends);
    log.info({}, 'stopping');
  } catch (error) {
    log.error({ err: error }, 'the daemon cannot go on');
    throw error;
  } finally {
    stopping.abort();
    await mirror.stop();
    await store.close();
  }
  log.info({}, 'daemon stopped');
  return EXIT.done;
}
