import { hostname } from 'node:os';
import type { Clock } from '../../model/clock.ts';

/** A process that asks for a lease, with a check whether another holder on the same host is alive. */
export interface Holder {
  pid: number;
  host: string;
  /** Start of this process, in ms: an older lease under its pid belongs to a dead predecessor. */
  startedAt: number;
  isAlive(pid: number): boolean;
}

/** Returns this process as a holder of leases. */
export function thisProcess(clock: Pick<Clock, 'now'>): Holder {
  return {
    pid: process.pid,
    host: hostname(),
    startedAt: clock.now() - process.uptime() * 1_000,
    isAlive(pid) {
      try {
        process.kill(pid, 0);
        return true;
      } catch (error) {
        // EPERM: it is alive, but belongs to somebody else.
        return error instanceof Error && 'code' in error && error.code === 'EPERM';
      }
    },
  };
}
