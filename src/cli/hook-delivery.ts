import { beginHooks, deliverNow, HookWorker } from '../feed/worker.ts';
import type { HookStore } from '../store/hooks.ts';
import type { CommandContext } from './context.ts';

/** Time for deliveries at the end of a run that is done once, in ms. */
const ONCE_MS = 10_000;

/** The hooks of the settings, with everything that delivering to them needs. */
export interface HookDelivery {
  /** Delivers what there is, to each hook for at most 10 s. Never rejects: errors are logged, and a later time goes on. */
  deliverOnce(): Promise<void>;
  /** Delivers whenever something happens, until `close`. */
  start(): void;
  /** A run has ended: hooks may be told of it. */
  wake(): void;
  close(): Promise<void>;
}

/** Opens the hooks, and begins new ones now: call it before a run. Throws DatabaseError. */
export async function openHookDelivery(
  context: Pick<CommandContext, 'engine' | 'hooks' | 'clock' | 'log' | 'signal'>,
): Promise<HookDelivery> {
  const { engine, clock, log, signal } = context;
  const hooks = await context.hooks();
  const feed = await engine.openFeed();
  let store: HookStore | undefined;
  try {
    store = await engine.openHooks();
    await beginHooks(hooks, { feed, store });
  } catch (error) {
    await Promise.all([feed.close(), store?.close()]);
    throw error;
  }
  const deps = { feed, store, clock, log, random: Math.random };
  const worker = new HookWorker(hooks, deps);
  return {
    async deliverOnce() {
      await deliverNow(hooks, deps, signal, () => clock.timeout(ONCE_MS));
    },
    start: () => worker.start(),
    wake: () => worker.wake(),
    async close() {
      await worker.stop();
      await Promise.all([feed.close(), deps.store.close()]);
    },
  };
}
