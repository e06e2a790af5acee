/** How a hook is told its events: by Standard Webhooks (standardwebhooks.com), or as a message in Slack. */
export const HOOK_FORMATS = ['standard', 'slack'] as const;
export type HookFormat = (typeof HOOK_FORMATS)[number];

/** Past every event of a change: the rank of a place at which all events of its change are done. */
export const LAST_RANK = 9;

/**
 * Returns the last run of a source that a hook has looked at. A source that it does not know, since it is new or
 * was renamed, is looked at from the last run of all on: ids only grow.
 */
export function lastRunSeen(runs: Readonly<Record<string, number>>, source: string): number {
  return (Object.hasOwn(runs, source) ? runs[source] : undefined) ?? lastRunOfAll(runs);
}

/** Returns the last run that a hook has looked at; 0 if there is none. */
export function lastRunOfAll(runs: Readonly<Record<string, number>>): number {
  return Object.values(runs).reduce((last, id) => Math.max(last, id), 0);
}

/** What hooks have in common: the settings' bounds and defaults. */
export const MAX_HOOKS = 50;
export const HOOK_BOUNDS = {
  /** Seconds that an event waits before it is told: up to a week. */
  afterSeconds: { min: 0, max: 604_800 },
  /** Most events of one pass that are told one by one. */
  maxPerRun: { min: 1, max: 1_000 },
} as const;
export const HOOK_DEFAULTS = { format: 'standard', afterSeconds: 0, maxPerRun: 100 } as const;

/** Where events are sent: to a URL, or to a command's stdin. */
export type HookTarget =
  | { kind: 'url'; url: string; format: HookFormat }
  | { kind: 'command'; command: readonly [string, ...string[]] };

/** What a hook is told, and when. */
export interface HookRules {
  name: string;
  /** Names and patterns of events (model/hook-events.ts). */
  events: readonly string[];
  /** Only events of these sources; all if empty. */
  sources: readonly string[];
  /** How long an event waits, in ms. One of a status is dropped if the task has left that status then. */
  afterMs: number;
  maxPerRun: number;
}
