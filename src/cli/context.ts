import type { ResolvedKey } from '../config/key.ts';
import type { Settings, SourceSettings } from '../config/settings.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log.ts';
import type { Hook } from '../feed/delivery.ts';
import type { PostgresTarget } from '../model/postgres-url.ts';
import type { TaskSource } from '../source/source.ts';
import type { Io } from '../platform/terminal.ts';
import type { ServerPlace } from './copy-place.ts';
import type { Engine } from './engines/engine.ts';

/** The wired parts that commands work with; created by wire.ts, the only file that knows the adapters. */
export interface CommandContext extends Pick<
  Engine,
  'openMirror' | 'openToLook' | 'openReader' | 'openForQuery' | 'openForReports' | 'openFeed'
> {
  /** The database of the mirror. */
  engine: Engine;
  io: Io;
  settings: Settings;
  clock: Clock;
  log: Log;
  /** Returns the log of one run: each of its lines has the run's id. */
  runLog(fields: { source: string; run: number }): Log;
  /** Aborted by SIGINT or SIGTERM: stop at the next safe point. */
  signal: AbortSignal;
  /**
   * Gets the source's key; from then on no log and no error shows it. Throws UsageError if it is unavailable.
   */
  keyOf(source: SourceSettings, log?: Log): Promise<ResolvedKey>;
  /** Returns how to reach another PostgreSQL database than that of the settings. Throws UsageError. */
  targetAt(place: ServerPlace): Promise<PostgresTarget>;
  /** Wires the source's API client, with the key from `keyOf` unless one is given. Throws as `keyOf` does. */
  connect(source: SourceSettings, log?: Log, key?: ResolvedKey): Promise<TaskSource>;
  /** Wires the hooks of the settings. Secrets are looked for when something is sent. */
  hooks(): Promise<Hook[]>;
}
