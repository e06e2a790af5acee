import type { Ledger } from '../../src/model/ledger.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Task } from '../../src/model/task.ts';
import type { MirrorStore } from '../../src/store/store.ts';

/** A row of the mirror, as the database holds it. */
export interface Row {
  task: Task;
  source: string;
  isLive: boolean;
}

/** The rest of what the mirror holds of one source, without its tasks. */
export interface MirroredSource {
  ledger: Ledger;
  total: number | null;
  learnedOverlapMs: number;
  /** The row_key of every rejection. */
  rejections: ReadonlySet<string>;
}

/** The mirror as another program sees it, through a connection of its own. */
export interface Inspector {
  /** Returns these tasks, or all; leaves out ids that are not stored. */
  rows(ids?: readonly string[]): Promise<Row[]>;
  /** Null: the mirror does not know the source. */
  source(name: string): Promise<MirroredSource | null>;
  /** Returns complete_through as people see it: everything at or below it (ms) is mirrored. */
  completeThrough(name: string): Promise<number | null>;
  /** Differs if anything was written in between. */
  fingerprint(): Promise<string>;
  /** Returns what is wrong with the database as such, and run records that no run has finished. */
  damage(): Promise<string[]>;
}

/** The place of one mirror at a time: histories use it one after the other. */
export interface Place {
  /** Makes the mirror empty, whatever was in it. */
  reset(): Promise<Inspector>;
  /** Opens the mirror as one process does. The leases' clock is that of the simulation. */
  open(clock: Clock): Promise<MirrorStore>;
  /** Closes what looks at the mirror. The stores are closed. */
  clear(): Promise<void>;
  /** Removes the place. */
  close(): Promise<void>;
}
