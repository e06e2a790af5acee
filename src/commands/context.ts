import type { Rows } from './output/encode.ts';
import type { ResolvedKey } from '../config/key.ts';
import type { Settings, SourceSettings } from '../config/settings.ts';
import type { Clock, Log, MirrorReader, MirrorStore, TaskSource } from '../ports.ts';
import type { Output } from '../terminal.ts';

/** Everything outside the process that a command touches. */
export interface Io {
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the working directory; null where it was deleted. */
  cwd: string | null;
}

/** Values for a statement's parameters, by name. Numbers are bound as REAL, so give integers as bigint. */
export type SqlParameters = Readonly<Record<string, null | string | number | bigint>>;

/** What a statement gives. */
export interface Queried extends Rows {
  /** For each column, which of a table's its values are taken from, with the declared type; nulls for what is computed. */
  origins: readonly { column: string | null; type: string | null }[];
}

/** A mirror that SQL can be put to, and that refuses SQL which writes. */
export interface Queryable {
  /** Throws UsageError for SQL that is refused or wrong, DatabaseError where the file is at fault. */
  run(sql: string, parameters?: SqlParameters): Queried;
  /** The names of the statement's parameters, in the order of their first use. Throws as `run` does. */
  parametersOf(sql: string): string[];
  close(): void;
}

/** The wired parts that commands work with; made by app.ts, which alone knows the adapters. */
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
  /** Gets the source's key, which no log and no error shows from then on. Throws UsageError where it cannot be had. */
  keyOf(source: SourceSettings, log?: Log): Promise<ResolvedKey>;
  /** Wires the source's API client, with its key as `keyOf` gets it unless one is given. Throws as that does. */
  connect(source: SourceSettings, log?: Log, key?: ResolvedKey): Promise<TaskSource>;
}
