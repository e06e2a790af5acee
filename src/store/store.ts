import type { Ledger } from '../model/ledger.ts';
import type { Outcome, RunKind, SourceIdentity, Verdict } from '../model/run.ts';
import type { OmittableField, RejectedRow, Task } from '../model/task.ts';

/** How many tasks a commit, or a run, touched. */
export interface UpsertCounts {
  /** New tasks. */
  inserted: number;
  /** Changed tasks. */
  updated: number;
  /** Tasks that were as stored. */
  unchanged: number;
}

/** What a commit did, with the tasks that it wrote. */
export interface Committed extends UpsertCounts {
  insertedIds: readonly string[];
  updatedIds: readonly string[];
  /** Tasks whose rejection was lifted, now that a good version came. */
  healedIds: readonly string[];
}

/** One transaction of a run. Whatever is absent stays as it is. */
export interface Change {
  tasks: readonly Task[];
  rejected: readonly RejectedRow[];
  /** The coverage that these rows prove: becomes durable together with them, or not at all. */
  ledger?: Ledger;
  /** The API's total as the run's first page gave it. */
  total?: number | null;
  /** What the overlap has been learned to need, in ms. */
  learnedOverlapMs?: number;
  /** The API's total less the live rows, as a clean full walk left it. */
  surplus?: number | null;
}

/** Fields that must not be kept: those that were cleared just now, and those that are left to the next run. */
export interface Cleared {
  cleared: OmittableField[];
  left: OmittableField[];
}

/** What a mirror keeps: what is older than these moments, in ms, may go; null: nothing of it. */
export interface Keep {
  /** Lines of the journal, by when they were observed. */
  changesSince: number | null;
  /** Removed tasks, by when they were removed. */
  removedSince: number | null;
}

/** How many lines of the journal, and how many removed tasks, were deleted. */
export interface Pruned {
  changes: number;
  tasks: number;
}

/** What a finished run leaves behind. */
export interface RunRecord extends UpsertCounts {
  outcome: Outcome;
  verdict: Verdict | null;
  requests: number;
  rowsSeen: number;
  removed: number;
  rejected: number;
  error: string | null;
}

/** What the mirror knew of a source when it was claimed. */
export interface SourceState {
  ledger: Ledger;
  /** The API's total at the start of the last run that found something new; null before the first. */
  total: number | null;
  /** What the overlap has been learned to need, in ms; 0 where nothing was. */
  learnedOverlapMs: number;
  /** The API's total less the live rows, as the last clean full walk left it; null before it. */
  surplus: number | null;
}

/** The key of the open-task list: what a refresh needs to plan. */
export interface OpenTask {
  id: string;
  activity: number;
}

/**
 * What the mirror knows of one source. Its live rows are those that it showed first, and those that it shows as well while
 * another source holds them: such a task is one row. Reads only.
 */
export interface SourceView {
  state(): Promise<SourceState>;
  /** What a commit of these tasks, which the source shows, would do. */
  preview(tasks: readonly Task[]): Promise<Committed>;
  /** Live mirrored rows of this source whose activity is above `activity` ms, counted up to `atMost`. */
  countAbove(activity: number, atMost?: number): Promise<number>;
  /** Live tasks of this source in an open status, newest activity first. */
  openTasks(): Promise<OpenTask[]>;
  /** Stored tasks by id, removed ones too; ids that are not stored are left out. */
  tasks(ids: readonly string[]): Promise<Task[]>;
  /** Those of these ids that {@link MirrorClaim.remove} would mark as removed. */
  removable(ids: readonly string[]): Promise<string[]>;
}

/** Which live rows of a source a walk over its whole list has seen. No ids stay in memory, and none reaches the mirror. */
export interface Sweep {
  /** Forgets what earlier sweeps saw. From now on a row that a commit is given counts as seen. */
  beginSweep(): Promise<void>;
  /** Notes that the sweep saw these tasks without committing them; one that is not mirrored is passed over. */
  markSeen(ids: readonly string[]): Promise<void>;
  /** How many live rows of this source the sweep has not seen. */
  countUnseen(): Promise<number>;
  /** Ids of live rows of this source that the sweep has not seen, in order, after `afterId`. */
  unseen(afterId: string, limit: number): Promise<string[]>;
}

/** A source that is only looked at. */
export interface ObservedSource extends SourceView, Sweep {
  /** Safe to call twice. */
  release(): Promise<void>;
}

/**
 * A source held under a lease. No other process writes it while the lease lasts; who lost it (it slept too long, another
 * took over) gets LeaseHeldError from every write, and has written nothing.
 */
export interface MirrorClaim extends ObservedSource {
  /** Says of what kind the claim's run is, and returns the id of its record. */
  startRun(kind: RunKind): Promise<number>;
  /** Closes the record, and gives the lease back with it if nothing is left to prepare for readers. */
  finishRun(runId: number, record: RunRecord): Promise<void>;
  /**
   * Upserts by id, journals every changed field, records rejections and heals those whose task came good, and moves the
   * ledger, in one transaction. Repeating it changes nothing.
   */
  commit(change: Change): Promise<Committed>;
  /**
   * Marks these live rows as removed, with a line in the journal, and returns how many. Undone by a commit that shows the row
   * again. One that another source shows as well is handed over to that, with a line in the journal, if it had a run within a
   * week; of one that another source holds it is only forgotten that this one shows it.
   */
  remove(ids: readonly string[]): Promise<number>;
  /**
   * Drops the rejected rows of this source that no commit has shown since the sweep began: they have left the list. Those
   * above `upTo` (ms) are kept.
   */
  forgetUnseenRejections(upTo: number): Promise<void>;
  /** Makes, in steps that last, what only readers need (indexes, full text) until `signal` aborts; idle if all is there. */
  prepareForReaders(signal: AbortSignal): Promise<void>;
  /**
   * Clears, in steps that last, what earlier settings let the mirror keep of the fields that it must omit now, until `signal`
   * aborts; idle if nothing is left of them.
   */
  clearOmitted(signal: AbortSignal): Promise<Cleared>;
  /**
   * Deletes, in steps that last, what is older than `keep` says, of all sources, until `signal` aborts. The last change of a
   * task's status stays.
   */
  prune(keep: Keep, signal: AbortSignal): Promise<Pruned>;
  /** Tells others that the holder is alive. To be called well within LEASE_MS (model/lease.ts). */
  renew(): Promise<void>;
  /** Gives the lease back. Safe to call twice, and after it was lost. */
  release(): Promise<void>;
}

/** A line of `mirror_status`, with the gaps that the view only counts. Times are UTC text or null. */
export interface SourceStatus {
  /** Its name. */
  source: string;
  /** Where its API is. */
  baseUrl: string;
  /** Every task with activity up to this moment is mirrored; null: nothing is proven yet. */
  completeThrough: string | null;
  /** The head of the last run that began: everything at or below it is mirrored, except what lies in a gap. */
  watermark: string | null;
  /** What may be lacking, newest first: lower < activity <= upper; lower null: to the end of the list. */
  gaps: { lower: string | null; upper: string }[];
  /** Tasks that are not removed. */
  liveRows: number;
  /** Tasks that are pending, running or awaiting_approval. */
  openTasks: number;
  /** Rows in `rejected_rows`. */
  rejectedRows: number;
  /** Tasks that are marked as removed. */
  removedRows: number;
  /** What the overlap has been learned to need, in ms; 0: the configured one was always enough. */
  learnedOverlapMs: number;
  /** The API's total, as the last run's first page gave it; null if it gave none. */
  apiTotal: number | null;
  /** Live tasks that this source shows as well while another source holds them, by that source's name. */
  heldBy: { source: string; rows: number }[];
  /** When the last run began. */
  lastRunAt: string | null;
  lastRunKind: RunKind | null;
  /** Null while it is under way. */
  lastRunOutcome: Outcome | null;
  /** When the last run with the outcome ok or partial ended. */
  lastSuccessAt: string | null;
  /** When the last full walk that proved all of its steps ended. */
  lastCleanFullAt: string | null;
}

/** A past or present run of a source, newest first in lists. */
export interface RunSummary extends UpsertCounts {
  id: number;
  source: string;
  kind: RunKind;
  startedAt: string;
  /** Null while it runs, or after a crash that no later run has tidied up. */
  finishedAt: string | null;
  outcome: Outcome | null;
  verdict: Verdict | null;
  requests: number;
  rowsSeen: number;
  removed: number;
  rejected: number;
  error: string | null;
}

/** Up to when what was pruned, as UTC text; null: nothing yet. */
export interface RetentionState {
  /** Of the journal, lines up to here may be gone, but for the last change of each task's status. */
  changesThrough: string | null;
  /** Tasks that were removed up to here may be gone. */
  removedThrough: string | null;
}

/** What became of the tasks of a source that was forgotten. */
export interface Forgotten {
  /** Live tasks that were marked as removed. */
  removed: number;
  /** Live tasks that another source shows and now holds. */
  handedOver: number;
  /** Removed tasks that still bear its name, those of earlier removals among them. */
  kept: number;
}

/** What is still there of a field that must not be kept. */
export interface Leftover {
  field: OmittableField;
  tasks: number;
  /** Lines of the journal. */
  changes: number;
  /** Rows of rejected_rows. */
  rejected: number;
  /** What was deleted may still be in the free space of the file. */
  inFreeSpace: boolean;
}

/** What people ask the mirror about itself, without writing to it. */
export interface MirrorReader {
  /** Every source in the mirror, by name. */
  status(): Promise<SourceStatus[]>;
  /** The newest runs first. */
  recentRuns(limit: number): Promise<RunSummary[]>;
  retention(): Promise<RetentionState>;
  /** Of these fields, those that something is left of. Reads every task. */
  leftovers(fields: readonly OmittableField[]): Promise<Leftover[]>;
  close(): Promise<void>;
}

/** The mirror: where rows and ledger become durable together. */
export interface MirrorStore extends MirrorReader {
  /**
   * Takes the lease of a source by opening the record of a run, and registers the source at its first sight.
   * Throws LeaseHeldError, naming the holder's pid and host, while another live process holds it; from one that is dead,
   * or has not renewed it for its time to live, it is taken over, and the record closed as interrupted.
   * Throws UsageError where the name already stands for another base URL.
   */
  claim(source: SourceIdentity): Promise<MirrorClaim>;
  /**
   * The same without a lease, for looking only. A source that the mirror does not know is as empty. Throws UsageError as
   * `claim` does.
   */
  observe(source: SourceIdentity): Promise<ObservedSource>;
  /**
   * Gives a source, with all that the mirror knows of it, another name: of its tasks only the column `source` changes, which
   * is no change of theirs. Throws UsageError where the mirror does not know it, or already has one of the new name. This
   * and the two below are one transaction, and throw LeaseHeldError while a living process holds the source.
   */
  renameSource(name: string, to: string): Promise<void>;
  /** From now on the source is a copy of the list at `baseUrl`, which has to be the same list. Throws UsageError where the mirror does not know it. */
  moveSource(name: string, baseUrl: string): Promise<void>;
  /**
   * Forgets what the mirror knows of a source's list: watermark, gaps, rejected rows, what it shows of others' tasks, and its
   * runs. Its live tasks are handed over or marked as removed as {@link MirrorClaim.remove} does it, and with `removeTasks`
   * only: without it they are a UsageError. Its name goes as well, unless removed tasks bear it.
   */
  forgetSource(name: string, options: { removeTasks: boolean }): Promise<Forgotten>;
  /** Releases the file. Claims that are still open are released first. */
  close(): Promise<void>;
}
