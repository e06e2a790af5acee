/**
 * The names of the events that a hook can be told: what the settings accept, and what the feed makes.
 */

/** Events of a task that are not the name of a status. */
export const TASK_EVENTS = ['task.added', 'task.changed', 'task.removed', 'task.returned'] as const;

/** Events that are about no single task. */
export const OTHER_EVENTS = ['error_group.new', 'source.failed', 'source.recovered'] as const;

/** What all events of a hook are told as if there are too many of them. Every hook may be told it. */
export const DIGEST_EVENT = 'hook.digest';

/** What `hooks test` sends. */
export const TEST_EVENT = 'hook.test';

/** The longest name of an event in the settings. */
export const MAX_EVENT_NAME = 100;

export const EVENT_RULE =
  'task.added, task.changed, task.removed, task.returned, task.STATUS (such as task.failed), task.*, ' +
  'error_group.new, source.failed, source.recovered, source.*, or *';

/**
 * Returns whether a text names events. Statuses are not listed: the API may have new ones.
 */
export function isEventPattern(text: string): boolean {
  if (text.length > MAX_EVENT_NAME) return false;
  return (
    text === '*' || /^(?:task|source|error_group)\.\*$|^task\.[a-z][a-z0-9_-]*$/.test(text) || isOther(text)
  );
}

/** Returns whether any of the patterns names this event. */
export function matchesEvent(patterns: readonly string[], type: string): boolean {
  const [room] = type.split('.');
  return patterns.some((pattern) => pattern === '*' || pattern === type || pattern === `${room}.*`);
}

function isOther(text: string): boolean {
  return (OTHER_EVENTS as readonly string[]).includes(text);
}
