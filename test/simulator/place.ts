import type { Ledger } from '../../src/model/ledger.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Task } from '../../src/model/task.ts';
import type { TaskChange } from '../../src/store/feed.ts';
import { type TaskColumns, toTask } from '../../src/store/sqlite/tables.ts';
import type { MirrorStore } from '../../src/store/store.ts';

/** A row of the mirror, as the database holds it. */
export interface Row {
  task: Task;
  source: string;
  isLive: boolean;
  /** The number of its last change. */
  seq: number;
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
  /** Returns what the feed tells after a number, in its order. */
  changes(since: number, limit: number): Promise<Row[]>;
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
  /** Makes the mirror empty, whatever was in it. What may fail from now on follows from the seed. */
  reset(seed: number): Promise<Inspector>;
  /** Opens the mirror as one process does. The leases' clock is that of the simulation. */
  open(clock: Clock): Promise<MirrorStore>;
  /** Whether a connection was cut off since the last reset: a run may have failed of that. */
  readonly wasCut: boolean;
  /** From now on nothing fails. */
  calm(): void;
  /** Closes what looks at the mirror. The stores are closed. */
  clear(): Promise<void>;
  /** Removes the place. */
  close(): Promise<void>;
}

/** Returns the row that a change tells: its integers fit into numbers. */
export function rowOf({ seq, source, task }: TaskChange): Row {
  const values = Object.entries(task).map(([name, cell]) => [
    name,
    typeof cell === 'bigint' ? Number(cell) : cell,
  ]);
  const columns = Object.fromEntries(values) as TaskColumns;
  return { seq, source, isLive: task['removed_at'] === null, task: toTask(columns) };
}
