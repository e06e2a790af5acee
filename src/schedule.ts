import { createTask } from 'node-cron';

/** How often the clock is looked at, in ms, however far the next slot is: it may be set, and the machine may sleep. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Calls `tick` at every slot of a cron expression (five fields, or six with seconds first) in `timezone`, and once
 * for all slots that were missed because the machine slept or its clock was set forward, within a minute of that. A
 * clock that was set back brings its slots again. Returns how to stop it.
 */
export function startSchedule(expression: string, timezone: string, tick: () => void): () => void {
  // Never started: node-cron sleeps until the slot it once reckoned, through as many hours as the clock is set back.
  const task = createTask(expression, () => {}, { timezone });
  const nextSlot = (): number => task.getNextRuns(1)[0]?.getTime() ?? Infinity;
  let due = nextSlot();
  const wait = (): NodeJS.Timeout => {
    const ms = Math.min(LONGEST_WAIT_MS, Math.max(0, due - Date.now()));
    return setTimeout(beat, ms);
  };
  const beat = (): void => {
    const isDue = Date.now() >= due;
    due = nextSlot();
    timer = wait();
    if (isDue) tick();
  };
  let timer = wait();
  return () => {
    clearTimeout(timer);
    void task.destroy();
  };
}
