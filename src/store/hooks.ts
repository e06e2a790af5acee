import type { Outcome, RunKind } from '../model/run.ts';

/** A place in the order of a hook's events: all of them up to it are done. */
export interface HookPlace {
  /** The number of a change. */
  seq: number;
  /** Which of the events of that change; LAST_RANK (model/hook.ts) if all of them. */
  rank: number;
  /** The last run that was looked at, by the name of its source. */
  runs: Readonly<Record<string, number>>;
}

/** What is known of a hook. Times are UTC text or null. */
export interface HookState {
  hook: string;
  place: HookPlace;
  /** A change up to which events are told one by one, however many they are; 0: none. */
  replayThrough: number;
  /**
   * Where a digest that was tried, and not delivered yet, ends: it is the same event when it is tried again. 0:
   * none.
   */
  digestThrough: number;
  /** Attempts in a row that failed. */
  attempts: number;
  /** When the first of them failed. */
  failingSince: string | null;
  /** No attempt before this moment. */
  nextAttemptAt: string | null;
  /** Why the last of them failed. It holds no secret. */
  lastError: string | null;
  lastDeliveryAt: string | null;
  /** Events delivered, and attempts that failed, since the hook began. */
  delivered: number;
  failed: number;
  /** Events that were set aside. */
  setAside: number;
}

/** An event that was given up. */
export interface HookFailure {
  hook: string;
  eventId: string;
  type: string;
  /** Null if it is no event of a task. */
  seq: number | null;
  source: string | null;
  taskId: string | null;
  /** UTC text: when it was given up. */
  givenUpAt: string;
  reason: string;
}

/** What an attempt that failed leaves behind. */
export interface HookTrouble {
  attempts: number;
  failingSince: string;
  nextAttemptAt: string;
  lastError: string;
}

/** A run that has ended, as hooks are told of it. */
export interface SettledRun {
  id: number;
  source: string;
  kind: RunKind;
  startedAt: string;
  finishedAt: string;
  outcome: Outcome;
  error: string | null;
}

/**
 * A hook held under a lease: no other process delivers its events while it lasts. Every method that writes
 * renews the lease; if it is lost, it writes nothing and returns false.
 */
export interface HookClaim {
  readonly state: HookState;
  /** Moves the place, since nothing is to be told up to there. */
  skip(place: HookPlace): Promise<boolean>;
  /** Notes where a digest ends that is about to be tried. */
  beginDigest(through: number): Promise<boolean>;
  /** Moves the place, since an event was delivered: the hook works. `at`: UTC text. */
  delivered(place: HookPlace, at: string): Promise<boolean>;
  /** Notes that an attempt failed. */
  failed(trouble: HookTrouble): Promise<boolean>;
  /** Moves the place, since this event was given up, and notes that, in one transaction. */
  setAside(place: HookPlace, failure: HookFailure, trouble: HookTrouble): Promise<boolean>;
  /** Safe to call twice, and after the lease was lost. */
  release(): Promise<void>;
}

/** Read-only questions about hooks. Throws DatabaseError. */
export interface HookReader {
  /** Returns the hooks of these names that the mirror knows, by name; all without names. */
  states(names?: readonly string[]): Promise<HookState[]>;
  /** Returns the events that were given up last, newest first; of one hook, if it is named. */
  failures(limit: number, hook?: string): Promise<HookFailure[]>;
  close(): Promise<void>;
}

/** What is known of hooks, and what else than changes of tasks they are told. Throws DatabaseError. */
export interface HookStore extends HookReader {
  /** Begins hooks that the mirror does not know, at this place. */
  begin(names: readonly string[], place: HookPlace): Promise<void>;
  /**
   * Sets the place of a hook to the change `seq`, and ends its pause: whatever comes after is told, up to the
   * change `through` one by one. Takes its lease away: who is delivering stops after the event under way.
   * Returns false if the mirror does not know the hook.
   */
  replay(hook: string, seq: number, through: number): Promise<boolean>;
  /** Takes the lease of a hook; null while a live process has it, or if the mirror does not know the hook. */
  claim(hook: string): Promise<HookClaim | null>;
  /**
   * Returns, of each source, the moment up to which its first backfill lasted, as UTC text; null while it lasts.
   * A source without any run has none.
   */
  backfills(): Promise<Map<string, string | null>>;
  /**
   * Returns runs that succeeded or failed (others say nothing of a source), at most `limit`, by id: of each
   * source those after the one that `after` names (see lastRunSeen), and the last one up to it.
   */
  settledRuns(after: Readonly<Record<string, number>>, limit: number): Promise<SettledRun[]>;
  /** Returns the ids of the last runs that succeeded or failed, by source. */
  lastRuns(): Promise<Record<string, number>>;
  /**
   * Returns whether no other task had an error of this group before the change `seq`.
   */
  isNewErrorGroup(group: string, task: { id: string; seq: number }): Promise<boolean>;
}
