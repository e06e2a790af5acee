import { schedule } from 'node-cron';

/**
 * Calls `tick` at every slot of a cron expression (five fields, or six with seconds first) in `timezone`, and once
 * more after slots that were missed because the machine slept. Returns how to stop it.
 */
export function startSchedule(expression: string, timezone: string, tick: () => void): () => void {
  const task = schedule(expression, tick, { timezone });
  // After a sleep node-cron reports every missed slot, one after the other: the first makes up for all of them,
  // since a tick that finds a run under way does nothing.
  task.on('execution:missed', tick);
  return () => void task.destroy();
}
