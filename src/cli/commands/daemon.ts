import { createHash } from 'node:crypto';
import type { ResolvedKey } from '../../config/key.ts';
import type { SourceSettings } from '../../config/settings.ts';
import { requireSources } from '../../config/sources.ts';
import { Daemon, type DaemonSource } from '../../daemon/daemon.ts';
import { TaskmirrorError } from '../../model/errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Clock } from '../../model/clock.ts';
import type { MirrorStore } from '../../store/store.ts';
import type { CommandContext } from '../context.ts';
import type { HookDelivery } from '../hook-delivery.ts';
import { syncOne } from './sync.ts';

export interface DaemonContext extends CommandContext {
  /**
   * Calls `tick` at every slot of the cron expression, until the signal aborts. Rejects if it cannot
   * continue.
   */
  followSchedule: (
    expression: string,
    timezone: string,
    parts: { clock: Clock; signal: AbortSignal; tick: () => void },
  ) => Promise<void>;
}

/**
 * `taskmirror daemon`: syncs at start and at every slot of the schedule, until the signal aborts; then
 * running syncs give up their page and release their leases, and the exit code is 0. Throws the error that
 * stops it.
 */
export async function daemon(outer: DaemonContext): Promise<ExitCode> {
  const { settings, log, clock } = outer;
  const sources = requireSources(settings);
  const store = await outer.openMirror({ create: true });
  const stopping = new AbortController();
  const hooks = await hookDelivery(outer, store);
  const context = { ...outer, signal: AbortSignal.any([outer.signal, stopping.signal]) };
  const mirror = new Daemon({
    sources: sources.map((source) => waking(hooks, daemonSource(context, store, source))),
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
    hooks?.start();
    mirror.tick();
    const follow = (expression: string, tick: () => void): Promise<void> =>
      context.followSchedule(expression, timezone, { clock, signal: context.signal, tick });
    const ends = [mirror.failed, follow(schedule, () => mirror.tick())];
    if (fullSchedule !== null) ends.push(follow(fullSchedule, () => mirror.tickFull()));
    await Promise.race(ends);
    log.info({}, 'stopping');
  } catch (error) {
    log.error({ err: error }, 'the daemon cannot continue');
    throw error;
  } finally {
    stopping.abort();
    await Promise.all([mirror.stop(), hooks?.close()]);
    await store.close();
  }
  log.info({}, 'daemon stopped');
  return EXIT.done;
}

/** Opens the hooks; null if the settings have none. */
async function hookDelivery(context: DaemonContext, store: MirrorStore): Promise<HookDelivery | null> {
  if (context.settings.hooks.length === 0) return null;
  try {
    const { openHookDelivery } = await import('../hook-delivery.ts');
    return await openHookDelivery(context);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Returns the source, after whose runs hooks look for events: a run that failed changes no task. */
function waking(hooks: HookDelivery | null, source: DaemonSource): DaemonSource {
  if (hooks === null) return source;
  return { ...source, sync: (options) => source.sync(options).finally(() => hooks.wake()) };
}

/** Returns a source that recognizes a new key by a digest, all it keeps of the key it last used. */
function daemonSource(context: CommandContext, store: MirrorStore, source: SourceSettings): DaemonSource {
  /** The digest of the last run's key; null if that run found none, undefined if it did not get that far. */
  let used: string | null | undefined;
  /** A key that was read between two runs. Reading it again may cost something, or return another one. */
  let next: ResolvedKey | undefined;
  const connect: CommandContext['connect'] = async (_, log) => {
    used = null;
    const key = next ?? (await context.keyOf(source, log));
    used = digestOf(key);
    return context.connect(source, log, key);
  };
  return {
    name: source.name,
    async sync(options) {
      used = undefined;
      try {
        return await syncOne({ ...context, connect }, store, source, options);
      } finally {
        next = undefined;
      }
    },
    async hasNewKey() {
      if (used === undefined) return false;
      try {
        const key = await context.keyOf(source);
        if (digestOf(key) !== used) next = key;
      } catch (error) {
        // The next run reports it, after the pause.
        if (!(error instanceof TaskmirrorError)) throw error;
      }
      return next !== undefined;
    },
  };
}

function digestOf({ value }: ResolvedKey): string {
  return createHash('sha256').update(value).digest('base64');
}
