import type { HookSettings } from '../../../config/settings.ts';
import { hasCode } from '../../../model/errors.ts';
import { shownHookUrl } from '../../../model/hook-url.ts';
import type { ListedHook } from '../../../render/views/hooks.ts';
import type { HookState } from '../../../store/hooks.ts';
import type { CommandContext } from '../../context.ts';

type ListContext = Pick<CommandContext, 'engine' | 'settings'>;

/**
 * Returns the hooks of the settings, and those that only the mirror knows, each with its state. Throws
 * DatabaseError, but not if there is no mirror yet.
 */
export async function listedHooks({ engine, settings }: ListContext): Promise<ListedHook[]> {
  const { states, head } = await readStates(engine);
  const set = settings.hooks.map((hook) =>
    listed(
      hook,
      states.find((state) => state.hook === hook.name),
      head,
    ),
  );
  const names = new Set(settings.hooks.map(({ name }) => name));
  const left = states.filter(({ hook }) => !names.has(hook)).map((state) => listed(null, state, head));
  return [...set, ...left];
}

async function readStates(
  engine: ListContext['engine'],
): Promise<{ states: HookState[]; head: number | null }> {
  try {
    const [reader, feed] = [await engine.openHookReader(), await engine.openFeed()];
    try {
      return { states: await reader.states(), head: await feed.head() };
    } finally {
      await Promise.all([reader.close(), feed.close()]);
    }
  } catch (error) {
    if (hasCode(error, 'database_missing', 'mirror_missing')) return { states: [], head: null };
    throw error;
  }
}

function listed(hook: HookSettings | null, state: HookState | undefined, head: number | null): ListedHook {
  return {
    name: hook?.name ?? state?.hook ?? '',
    inSettings: hook !== null,
    target: hook === null ? null : targetText(hook),
    format: hook?.format ?? null,
    events: hook?.events ?? [],
    sources: hook?.sources ?? [],
    state: state === undefined ? 'new' : state.attempts > 0 ? 'failing' : 'ok',
    seq: state?.place.seq ?? null,
    lag: state === undefined || head === null ? null : Math.max(0, head - state.place.seq),
    attempts: state?.attempts ?? 0,
    failingSince: state?.failingSince ?? null,
    nextAttemptAt: state?.nextAttemptAt ?? null,
    lastError: state?.lastError ?? null,
    lastDeliveryAt: state?.lastDeliveryAt ?? null,
    delivered: state?.delivered ?? 0,
    failed: state?.failed ?? 0,
    setAside: state?.setAside ?? 0,
  };
}

/** Returns where events go, without anything that may be a secret. */
function targetText({ url, command }: HookSettings): string {
  return url === null ? (command?.[0] ?? '') : shownHookUrl(url);
}
