import { type Zone, spansOf, zoneOf } from '../model/zone.ts';
import { type Cron, parseCron } from '../platform/cron.ts';
import type { Clock } from '../model/clock.ts';

/** Longest wait before the clock is read again, in ms: it may be set, and the machine may sleep. */
const LONGEST_WAIT_MS = 60_000;
/** Most that a change of its offset sets a clock, in ms. */
const LONGEST_SHIFT_MS = 86_400_000;

export interface ScheduleDeps {
  clock: Clock;
  signal: AbortSignal;
  /** Gets the slot in ms. */
  tick: (slot: number) => void;
}

/**
 * Calls `tick` at every slot of a cron expression (five fields, or six with seconds first) in `timezone`. It
 * calls it once, with the last of them, for all slots that were missed because the machine slept or its clock
 * was set forward, within a minute of that. If a clock was set back, its slots come again. Resolves once the signal aborts; rejects
 * with what `tick` throws.
 */
export async function followSchedule(
  expression: string,
  timezone: string,
  { clock, signal, tick }: ScheduleDeps,
): Promise<void> {
  const [cron, zone] = [parseCron(expression), zoneOf(timezone)];
  const firstSlot = (after: number, until: number) => slotsIn(cron, zone, after, until).next().value;
  let seen = clock.now();
  while (!signal.aborted) {
    const look = firstSlot(seen, seen + LONGEST_WAIT_MS) ?? seen + LONGEST_WAIT_MS;
    await clock.sleep(Math.max(0, look - clock.now()), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (signal.aborted) return;
    const now = clock.now();
    const slot = now > seen ? lastSlot(cron, zone, seen, now) : undefined;
    seen = now;
    if (slot !== undefined) tick(slot);
  }
}

/** Returns the last slot after one moment and up to another; looks near the end first, where most are. */
function lastSlot(cron: Cron, zone: Zone, after: number, until: number): number | undefined {
  for (let span = LONGEST_WAIT_MS; ; span *= 4) {
    const from = Math.max(after, until - span);
    let last: number | undefined;
    for (const slot of slotsIn(cron, zone, from, until)) last = slot;
    if (last !== undefined || from === after) return last;
  }
}

/**
 * Yields the slots after one moment and up to another, in ms since the epoch, in order. When summer time sets
 * the clock, they follow cron (cron(8), "Daylight Saving Time"): in an hour that comes twice, a fixed time of
 * day is a slot the first time only, and `*` keeps its interval; slots of fixed hours that are left out come
 * together, once the clock has moved on.
 */
export function* slotsIn(cron: Cron, zone: Zone, after: number, until: number): Generator<number> {
  let last = after;
  let shown: number | undefined;
  for (const { from, until: end, offset } of spansOf(zone, after - LONGEST_SHIFT_MS, until + 1)) {
    let begin = from + offset;
    shown ??= begin;
    if (shown < begin ? cron.hasFixedHours : cron.hasFixedTime) begin = shown;
    shown = Math.max(shown, end + offset);
    if (from <= after) begin = Math.max(begin, after + offset + 1);
    for (const local of cron.slotsBetween(begin, end + offset)) {
      const slot = Math.max(from, local - offset);
      if (slot > last) yield (last = slot);
    }
  }
}
