import { schedule, type ScheduledTask } from 'node-cron';

/** How often the clock is looked at, in ms. */
const WATCH_MS = 60_000;

/**
 * Calls `tick` at every slot of a cron expression (five fields, or six with seconds first) in `timezone`, and once
 * more after slots that were missed because the machine slept. Returns how to stop it.
 */
export function startSchedule(expression: string, timezone: string, tick: () => void): () => void {
  const begin = (): ScheduledTask => {
    const begun = schedule(expression, tick, { timezone });
    // After a sleep node-cron reports every missed slot, one after the other: the first makes up for all of them,
    // since a tick that finds a run under way does nothing.
    begun.on('execution:missed', tick);
    return begun;
  };
  let task = begin();
  let last = Date.now();
  // node-cron waits for the moment of the next slot, however far ahead that comes to be once the clock is set back.
  const watch = setInterval(() => {
    const now = Date.now();
    if (now < last) {
      void task.destroy();
      task = begin();
    }
    last = now;
  }, WATCH_MS);
  return () => {
    clearInterval(watch);
    void task.destroy();
  };
}
