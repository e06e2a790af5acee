import type { Feed } from '../../store/feed.ts';
import type { Queryable } from '../../store/queryable.ts';
import type { Reportable } from '../../store/reportable.ts';
import type { HookReader, HookStore } from '../../store/hooks.ts';
import type { MirrorReader, MirrorStore, SourceStatus } from '../../store/store.ts';
import type { Check } from '../commands/doctor/doctor.ts';

/** The result of a check of the whole database. */
export interface DatabaseCheck {
  /** What was checked, in one word for people: `file`, `database`. */
  what: string;
  /** One line for each problem; none: it is sound. */
  problems: string[];
  /** Advice for these problems; null if there are none. */
  cure: string | null;
}

/** The database of a mirror, as the settings name it, with everything that commands ask of it. */
export interface Engine {
  /** The absolute path of the mirror's file; null if it is not in a file. */
  file: string | null;
  /** Opens the mirror for writing; `create`: creates it if there is none. Throws DatabaseError. */
  openMirror(options: { create: boolean }): Promise<MirrorStore>;
  /**
   * Opens the mirror to plan a run or to compare, without writing; if there is none, an empty one in memory.
   * Throws DatabaseError, for an older schema too.
   */
  openToLook(): Promise<MirrorStore>;
  /** Opens the mirror for reading only. Throws DatabaseError. */
  openReader(): Promise<MirrorReader>;
  /**
   * Opens the mirror for read-only SQL. Each statement may take `timeoutMs`, if the engine can stop one
   * ({@link Engine.stopsQueries}). Throws DatabaseError.
   */
  openForQuery(options?: { timeoutMs?: number }): Promise<Queryable>;
  /** Opens what the mirror knows of hooks, to deliver. Throws DatabaseError, also if there is no mirror. */
  openHooks(): Promise<HookStore>;
  /** Opens it for reading only. Throws DatabaseError. */
  openHookReader(): Promise<HookReader>;
  /** Whether the engine can stop a statement that takes too long; if not, its process has to be ended. */
  stopsQueries: boolean;
  /** Opens the mirror for reports, search and history. Throws DatabaseError. */
  openForReports(): Promise<Reportable>;
  /** Opens the mirror's changes. Throws DatabaseError. */
  openFeed(): Promise<Feed>;
  /** Checks the whole database. Throws DatabaseError if it holds no mirror. */
  check(): Promise<DatabaseCheck>;
  /** Returns the checks of `doctor` for the database and its place. */
  doctorChecks(): Promise<Check[]>;
  /**
   * Copies the mirror into `target`, an empty file, and returns the copy's sources. Null if the engine has
   * tools of its own for that. Throws DatabaseError.
   */
  snapshotTo: ((target: string) => Promise<SourceStatus[]>) | null;
}
