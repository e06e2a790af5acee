import type { ResolvedKey } from '../config/key.ts';
import type { Settings, SourceSettings } from '../config/settings.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log.ts';
import type { MirrorReader, MirrorStore } from '../store/store.ts';
import type { TaskSource } from '../source/source.ts';
import type { Io } from '../platform/terminal.ts';
import type { Queryable } from '../store/queryable.ts';
import type { Reportable } from '../store/reportable.ts';

/** The wired parts that commands work with; made by wire.ts, which alone knows the adapters. */
export interface CommandContext {
  io: Io;
  settings: Settings;
  clock: Clock;
  log: Log;
  /** The log of one run: every line of it carries the run's id. */
  runLog(fields: { source: string; run: number }): Log;
  /** Aborted by SIGINT or SIGTERM: stop at the next safe point. */
  signal: AbortSignal;
  /** Opens the mirror for writing; with `create`, makes it where there is none. Throws DatabaseError. */
  openMirror(options: { create: boolean }): Promise<MirrorStore>;
  /** Opens the mirror to plan a run without writing; one that is empty and in memory where there is none. */
  openToLook(): Promise<MirrorStore>;
  /** Opens the mirror for reading only. Throws DatabaseError. */
  openReader(): Promise<MirrorReader>;
  /** Opens the mirror for SQL that reads. Throws DatabaseError. */
  openForQuery(): Promise<Queryable>;
  /** Opens the mirror for reports, search and history. Throws DatabaseError. */
  openForReports(): Promise<Reportable>;
  /** Gets the source's key, which no log and no error shows from then on. Throws UsageError where it cannot be had. */
  keyOf(source: SourceSettings, log?: Log): Promise<ResolvedKey>;
  /** Wires the source's API client, with its key as `keyOf` gets it unless one is given. Throws as that does. */
  connect(source: SourceSettings, log?: Log, key?: ResolvedKey): Promise<TaskSource>;
}
