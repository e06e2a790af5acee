import { deliver, type DeliveryDeps, type Hook, type Pass } from '../../src/feed/delivery.ts';
import type { HookMessage } from '../../src/feed/message.ts';
import type { Sent } from '../../src/feed/sender.ts';
import { beginHooks } from '../../src/feed/worker.ts';
import type { HookRules } from '../../src/model/hook.ts';
import type { HookStore } from '../../src/store/hooks.ts';
import type { MirrorStore } from '../../src/store/store.ts';
import type { HooksUnderTest } from '../contracts/hook-store.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { sqliteHooks } from '../support/hooks.ts';
import { MemoryFeed } from '../support/memory-feed.ts';
import { memoryLog } from '../support/mirror.ts';

export const NEVER = new AbortController().signal;
export const DELIVERED: Sent = { outcome: 'delivered' };
export const FAILED: Sent = { outcome: 'failed', reason: 'answered 500', retryAfterMs: null };
export const GONE: Sent = { outcome: 'gone', reason: 'answered 410 (gone)' };

/** A hook that keeps what it was sent, and answers as the test says: with the last answer from then on. */
export class FakeHook implements Hook {
  readonly rules: HookRules;
  sent: HookMessage[] = [];
  answers: Sent[] = [DELIVERED];

  constructor(rules: Partial<HookRules> = {}) {
    this.rules = { name: 'alerts', events: ['task.*'], sources: [], afterMs: 0, maxPerRun: 100, ...rules };
  }

  send = async (message: HookMessage): Promise<Sent> => {
    this.sent.push(message);
    return (this.answers.length > 1 ? this.answers.shift() : this.answers[0]) ?? DELIVERED;
  };

  /** What it was sent, as `seq type`. */
  get told(): string[] {
    return this.sent.map(({ body }) => `${JSON.stringify(body.data['seq'])} ${body.type}`);
  }
}

export interface HookBench {
  feed: MemoryFeed;
  store: HookStore;
  mirror: MirrorStore;
  clock: FakeClock;
  log: ReturnType<typeof memoryLog>;
  deps: DeliveryDeps;
  /** Opens what the mirror knows of hooks once more, as another process would. */
  openStore: () => Promise<HookStore>;
  /** One pass over the hook. */
  pass: (hook: Hook, signal?: AbortSignal) => Promise<Pass>;
}

/** A feed in memory, and a mirror in a file that knows the hooks. */
export async function hookBench(...hooks: Hook[]): Promise<HookBench & { file: string }> {
  const under = await sqliteHooks();
  return { ...(await benchOn(under, ...hooks)), file: under.file };
}

/** A feed in memory, and a mirror that knows the hooks. */
export async function benchOn(
  { clock, mirror, open }: Pick<HooksUnderTest, 'clock' | 'mirror' | 'open'>,
  ...hooks: Hook[]
): Promise<HookBench> {
  const store = await open();
  const feed = new MemoryFeed(() => clock.now());
  const log = memoryLog();
  const deps = { feed, store, clock, log, random: () => 0.5 };
  await beginHooks(hooks, deps);
  return {
    feed,
    store,
    mirror,
    clock,
    log,
    deps,
    openStore: open,
    pass: (hook, signal = NEVER) => deliver(hook, deps, signal),
  };
}
