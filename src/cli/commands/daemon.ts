import { createHash } from 'node:crypto';
import type { ResolvedKey } from '../../config/key.ts';
import type { SourceSettings } from '../../config/settings.ts';
import { requireSources } from '../../config/sources.ts';
import { Daemon } from '../../daemon/daemon.ts';
import type { DaemonSource } from '../../daemon/lane.ts';
import { whenUsable } from '../../daemon/outage.ts';
import { TaskmirrorError } from '../../model/errors.ts';
import { isOutage } from '../../model/outage.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Clock } from '../../model/clock.ts';
import type { MirrorStore } from '../../store/store.ts';
import type { CommandContext } from '../context.ts';
import type { HookDelivery } from '../hook-delivery.ts';
import { syncOne } from './sync.ts';

export interface DaemonContext extends CommandContext {
  /**
   * Calls `tick` with every slot of the cron expression, in ms, until the signal aborts. Rejects if it cannot
   * continue.
   */
  followSchedule: (
    expression: string,
    timezone: string,
    parts: { clock: Clock; signal: AbortSignal; tick: (slot: number) => void },
  ) => Promise<void>;
}

/**
 * `taskmirror daemon`: syncs at start and at every slot of the schedule, until the signal aborts; then
 * running syncs give up their page and release their leases, and the exit code is 0. Waits for a database
 * server that cannot be used yet. Throws the error that stops it.
 */
export async function daemon(outer: DaemonContext): Promise<ExitCode> {
  const sources = requireSources(outer.settings);
  let store: MirrorStore;
  try {
    store = await whenUsable(() => outer.openMirror({ create: true }), outer);
  } catch (error) {
    if (outer.signal.aborted) return EXIT.done;
    throw error;
  }
  try {
    return await follow(outer, store, sources);
  } finally {
    // A server that is gone must not make a failure of a stop: its leases run out.
    await store.close().catch((error: unknown) => {
      if (!isOutage(error)) throw error;
      outer.log.info({ err: error }, 'the database could not be told that this process ends');
    });
  }
}

/** Syncs on schedule until the signal aborts. */
async function follow(
  outer: DaemonContext,
  store: MirrorStore,
  sources: readonly SourceSettings[],
): Promise<ExitCode> {
  const { settings, log, clock } = outer;
  const stopping = new AbortController();
  const hooks = await hookDelivery(outer);
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
    const tickAt = (expression: string, tick: (slot: number) => void): Promise<void> =>
      context.followSchedule(expression, timezone, { clock, signal: context.signal, tick });
    const ends = [mirror.failed, tickAt(schedule, (slot) => mirror.tick(slot))];
    if (fullSchedule !== null) ends.push(tickAt(fullSchedule, (slot) => mirror.tickFull(slot)));
    await Promise.race(ends);
    log.info({}, 'stopping');
  } catch (error) {
    log.error({ err: error }, 'the daemon cannot continue');
    throw error;
  } finally {
    stopping.abort();
    await Promise.all([mirror.stop(), hooks?.close()]);
  }
  log.info({}, 'daemon stopped');
  return EXIT.done;
}

/** Opens the hooks, once the database can be used; null if the settings have none. */
async function hookDelivery(context: DaemonContext): Promise<HookDelivery | null> {
  if (context.settings.hooks.length === 0) return null;
  const { openHookDelivery } = await import('../hook-delivery.ts');
  return whenUsable(() => openHookDelivery(context), context);
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
