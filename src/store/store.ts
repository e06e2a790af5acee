import type { Ledger } from '../model/ledger.ts';
import type { LastRuns, Outcome, RunKind, SourceIdentity, Verdict } from '../model/run.ts';
import type { OmittableField, RejectedRow, Task } from '../model/task.ts';
import type { SourceStatus } from './status.ts';

export type { LeaseHolder, SourceStatus } from './status.ts';

/** Counts of the tasks that a commit, or a run, touched. */
export interface UpsertCounts {
  /** New tasks. */
  inserted: number;
  /** Changed tasks. */
  updated: number;
  /** Tasks equal to the stored ones. */
  unchanged: number;
}

/** The result of a commit, with the tasks that it wrote. */
export interface Committed extends UpsertCounts {
  insertedIds: readonly string[];
  updatedIds: readonly string[];
  /** Tasks whose rejection was lifted because a good version came. */
  healedIds: readonly string[];
  /** Tasks that the engine cannot hold: it keeps them as rejected rows. */
  setAside: readonly RejectedRow[];
}

/** One transaction of a run. Absent fields stay as they are. */
export interface Change {
  tasks: readonly Task[];
  rejected: readonly RejectedRow[];
  /** The coverage that these rows prove: durable together with them, or not at all. */
  ledger?: Ledger;
  /** The API's total as the run's first page reported it. */
  total?: number | null;
  /** The overlap that runs have learned to need, in ms. */
  learnedOverlapMs?: number;
  /** The API's total less the live rows, after a clean full walk. */
  surplus?: number | null;
}

/** Fields that must not be kept: those cleared just now, and those left to the next run. */
export interface Cleared {
  cleared: OmittableField[];
  left: OmittableField[];
}

/** Retention limits, in ms: anything older may be deleted; null: delete nothing. */
export interface Keep {
  /** Lines of the journal, by the time they were observed. */
  changesSince: number | null;
  /** Removed tasks, by the time of their removal. */
  removedSince: number | null;
}

/** Counts of deleted journal lines and deleted removed tasks. */
export interface Pruned {
  changes: number;
  tasks: number;
}

/** The record of a finished run. */
export interface RunRecord extends UpsertCounts {
  outcome: Outcome;
  verdict: Verdict | null;
  requests: number;
  rowsSeen: number;
  removed: number;
  rejected: number;
  error: string | null;
}

/** The state of a source when it was claimed. */
export interface SourceState {
  ledger: Ledger;
  /** The API's total at the start of the last run that found something new; null before the first. */
  total: number | null;
  /** The overlap that runs have learned to need, in ms; 0 if they learned none. */
  learnedOverlapMs: number;
  /** The API's total less the live rows, after the last clean full walk; null before it. */
  surplus: number | null;
}

/** An entry of the open-task list: the data that a refresh plans with. */
export interface OpenTask {
  id: string;
  activity: number;
}

/**
 * A read-only view of one source. Its live rows are those that it showed first, and those that it also shows
 * while another source holds them: such a task is one row.
 */
export interface SourceView {
  state(): Promise<SourceState>;
  /** Returns what a commit of these tasks, which the source shows, would do. */
  preview(tasks: readonly Task[]): Promise<Committed>;
  /** Counts live rows of this source whose activity is above `activity` ms, up to `atMost`. */
  countAbove(activity: number, atMost?: number): Promise<number>;
  /** Returns live tasks of this source in an open status, newest activity first. */
  openTasks(): Promise<OpenTask[]>;
  /** Returns stored tasks by id, removed ones too; leaves out ids that are not stored. */
  tasks(ids: readonly string[]): Promise<Task[]>;
  /** Returns the ids that {@link MirrorClaim.remove} would mark as removed. */
  removable(ids: readonly string[]): Promise<string[]>;
}

/**
 * Marks of the live rows that a full walk has seen. No ids stay in memory, and none is written to the mirror.
 */
export interface Sweep {
  /** Forgets what earlier sweeps saw. From now on every row in a commit counts as seen. */
  beginSweep(): Promise<void>;
  /** Notes that the sweep saw these tasks without committing them; skips ids that are not mirrored. */
  markSeen(ids: readonly string[]): Promise<void>;
  /** Counts live rows of this source that the sweep has not seen. */
  countUnseen(): Promise<number>;
  /** Returns ids of live rows of this source that the sweep has not seen, in order, after `afterId`. */
  unseen(afterId: string, limit: number): Promise<string[]>;
}

/** A source opened for reading only. */
export interface ObservedSource extends SourceView, Sweep {
  /** Safe to call twice. */
  release(): Promise<void>;
}

/**
 * A source held under a lease. No other process writes it while the lease lasts. If the lease is lost (the
 * process slept too long, another took over), every write throws LeaseHeldError and writes nothing.
 */
export interface MirrorClaim extends ObservedSource {
  /** Sets the kind of the claim's run, and returns the id of its record. */
  startRun(kind: RunKind): Promise<number>;
  /** Closes the record, and releases the lease with it if nothing is left to prepare for readers. */
  finishRun(runId: number, record: RunRecord): Promise<void>;
  /**
   * Upserts by id, journals every changed field, records rejections, heals those whose task is good again,
   * and moves the ledger, in one transaction. Idempotent.
   */
  commit(change: Change): Promise<Committed>;
  /**
   * Marks these live rows as removed, journals that, and returns how many. A commit that shows the row again
   * undoes it. If another source with a run within a week also shows the row, that source takes it over, with
   * a line in the journal. For a row that another source holds, only the note that this one shows it is
   * deleted.
   */
  remove(ids: readonly string[]): Promise<number>;
  /**
   * Drops the rejected rows of this source that no commit has shown since the sweep began, since they have
   * left the list. Keeps those above `upTo` (ms).
   */
  forgetUnseenRejections(upTo: number): Promise<void>;
  /** Makes the readers' indexes and full text in durable steps until `signal` aborts; idle if all exist. */
  prepareForReaders(signal: AbortSignal): Promise<void>;
  /**
   * Clears omitted fields that earlier settings let the mirror keep, in durable steps until `signal` aborts;
   * idle if none is left. In a full run, also looks for values that were stored after the clearing, which
   * reads every task.
   */
  clearOmitted(signal: AbortSignal): Promise<Cleared>;
  /**
   * Deletes everything older than `keep`, of all sources, in durable steps until `signal` aborts. Keeps the
   * last change of each task's status.
   */
  prune(keep: Keep, signal: AbortSignal): Promise<Pruned>;
  /** Renews the lease. Call it well within LEASE_MS (model/lease.ts). */
  renew(): Promise<void>;
  /** Releases the lease. Safe to call twice, and after it was lost. */
  release(): Promise<void>;
}

/** A past or current run of a source, newest first in lists. */
export interface RunSummary extends UpsertCounts {
  id: number;
  source: string;
  kind: RunKind;
  startedAt: string;
  /** Null while it runs, or after a crash that no later run has cleaned up. */
  finishedAt: string | null;
  outcome: Outcome | null;
  verdict: Verdict | null;
  requests: number;
  rowsSeen: number;
  removed: number;
  rejected: number;
  error: string | null;
}

/** Ends of what was pruned, as UTC text; null: nothing yet. */
export interface RetentionState {
  /** Journal lines up to here may be deleted, except the last change of each task's status. */
  changesThrough: string | null;
  /** Tasks removed up to here may be deleted. */
  removedThrough: string | null;
}

/** The fate of the tasks of a source that was forgotten. */
export interface Forgotten {
  /** Live tasks marked as removed. */
  removed: number;
  /** Live tasks that another source shows and now holds. */
  handedOver: number;
  /** Removed tasks that still carry its name, including those of earlier removals. */
  kept: number;
}

/** The remains of a field that must not be kept. */
export interface Leftover {
  field: OmittableField;
  tasks: number;
  /** Lines of the journal. */
  changes: number;
  /** Rows of rejected_rows. */
  rejected: number;
  /** Deleted values may still be in the free space of the file. */
  inFreeSpace: boolean;
}

/** Read-only questions about the mirror itself. */
export interface MirrorReader {
  /** Returns every source in the mirror, by name. */
  status(): Promise<SourceStatus[]>;
  /** Returns the newest runs first. */
  recentRuns(limit: number): Promise<RunSummary[]>;
  retention(): Promise<RetentionState>;
  /** Returns the fields of these that have remains. Reads every task. */
  leftovers(fields: readonly OmittableField[]): Promise<Leftover[]>;
  close(): Promise<void>;
}

/** The mirror, in which rows and ledger become durable together. */
export interface MirrorStore extends MirrorReader {
  /**
   * Takes the lease of a source by opening the record of a run, and registers a source that is new. Throws
   * LeaseHeldError, with the holder's pid and host, while another live process holds it. If the holder is
   * dead or has not renewed it within its time to live, takes it over and closes the record as interrupted.
   * Throws UsageError if the name already belongs to another base URL.
   */
  claim(source: SourceIdentity): Promise<MirrorClaim>;
  /**
   * Claims a source as `claim` does, unless `isDone` finds in its last runs that there is nothing left to do:
   * then it returns null, and leaves no record. What `isDone` was last asked is still so when the lease is
   * taken. It may be asked several times, also while another process holds the lease.
   */
  claimUnless(source: SourceIdentity, isDone: (runs: LastRuns) => boolean): Promise<MirrorClaim | null>;
  /**
   * Opens a source for reading, without a lease. A source that the mirror does not know is empty. Throws
   * UsageError as `claim` does.
   */
  observe(source: SourceIdentity): Promise<ObservedSource>;
  /**
   * Renames a source with all its data: only the column `source` of its tasks changes, and that is not a
   * change of the task. Throws UsageError if the mirror does not know it, or already has the new name. This
   * and `moveSource` are one transaction. All three throw LeaseHeldError while a live process holds the source.
   */
  renameSource(name: string, to: string): Promise<void>;
  /** Sets the `baseUrl`, which must serve the same list. Throws UsageError for a source not in the mirror. */
  moveSource(name: string, baseUrl: string): Promise<void>;
  /**
   * Deletes all data about a source's list: watermark, gaps, rejected rows, notes of others' tasks that it
   * shows, and runs. With `removeTasks`, hands over or removes its live tasks as {@link MirrorClaim.remove}
   * does; without it, throws UsageError if there are any, having written nothing. Deletes its name too, unless
   * removed tasks carry it.
   *
   * Takes the source's lease, so that no run of it interferes, and deletes the watermark and the gaps with
   * that. The rest follows in short transactions, between which other sources can be written. If `signal`
   * aborts, throws its reason and releases the lease. After that, or after a crash, a second call goes on; a
   * run would begin with a backfill. The counts are those of this call.
   */
  forgetSource(name: string, options: { removeTasks: boolean; signal?: AbortSignal }): Promise<Forgotten>;
  /** Closes the file. Releases claims that are still open first. */
  close(): Promise<void>;
}
