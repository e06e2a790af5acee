import type { ResolvedKey } from '../config/key.ts';
import type { Settings, SourceSettings } from '../config/settings.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log.ts';
import type { MirrorReader, MirrorStore } from '../store/store.ts';
import type { TaskSource } from '../source/source.ts';
import type { Io } from '../platform/terminal.ts';
import type { Queryable } from '../store/queryable.ts';
import type { Reportable } from '../store/reportable.ts';

/** The wired parts that commands work with; created by wire.ts, the only file that knows the adapters. */
export interface CommandContext {
  io: Io;
  settings: Settings;
  clock: Clock;
  log: Log;
  /** Returns the log of one run: each of its lines has the run's id. */
  runLog(fields: { source: string; run: number }): Log;
  /** Aborted by SIGINT or SIGTERM: stop at the next safe point. */
  signal: AbortSignal;
  /** Opens the mirror for writing; `create`: creates it if there is none. Throws DatabaseError. */
  openMirror(options: { create: boolean }): Promise<MirrorStore>;
  /**
   * Opens the mirror to plan a run or to compare, without writing; if there is none, an empty one in memory.
   * Throws DatabaseError, for an older schema too.
   */
  openToLook(): Promise<MirrorStore>;
  /** Opens the mirror for reading only. Throws DatabaseError. */
  openReader(): Promise<MirrorReader>;
  /** Opens the mirror for read-only SQL. Throws DatabaseError. */
  openForQuery(): Promise<Queryable>;
  /** Opens the mirror for reports, search and history. Throws DatabaseError. */
  openForReports(): Promise<Reportable>;
  /**
   * Gets the source's key; from then on no log and no error shows it. Throws UsageError if it is unavailable.
   */
  keyOf(source: SourceSettings, log?: Log): Promise<ResolvedKey>;
  /** Wires the source's API client, with the key from `keyOf` unless one is given. Throws as `keyOf` does. */
  connect(source: SourceSettings, log?: Log, key?: ResolvedKey): Promise<TaskSource>;
}
