import type { LogSettings } from '../platform/log.ts';
import type { RetentionSettings, SyncSettings } from '../model/sync-settings.ts';
import type { HookFormat } from '../model/hook.ts';
import type { OmittableField } from '../model/task.ts';

/** Where a key or a password is kept. The secret itself is never in a settings file and is never a flag. */
export type SecretReference = { env: string } | { file: string } | { command: string };

/** One Tasks API key to mirror. */
export interface SourceSettings {
  name: string;
  /** No trailing slash; https, or http to a loopback host only. */
  baseUrl: string;
  apiKey: SecretReference;
}

/** One party that is told of changes: at a URL, or by a command. */
export interface HookSettings {
  name: string;
  events: string[];
  /** https, or http to a loopback host only. It may hold a secret: show it by `shownHookUrl`. */
  url: string | null;
  /** Where the secret that signs is kept; a URL of the format `standard` has one. */
  secret: SecretReference | null;
  /** A program and its arguments; a path of it is absolute. */
  command: string[] | null;
  format: HookFormat;
  afterSeconds: number;
  maxPerRun: number;
  /** Only events of these sources; all if empty. */
  sources: string[];
}

/** All settings after defaults, file, environment and flags have been put together and checked. */
export interface Settings {
  /** Absolute path of the SQLite file, or the URL of a PostgreSQL database without a password. */
  database: string;
  /** The schema of a PostgreSQL database that holds the mirror. */
  schema: string;
  /** Where the password for `database` is kept, unless the environment has it. */
  databasePassword: SecretReference | null;
  /** The URL of the same PostgreSQL database for a role that only reads; null: `database` is read. */
  queryDatabase: string | null;
  /** Where the password for `queryDatabase` is kept, unless the environment has it. */
  queryDatabasePassword: SecretReference | null;
  /** Cron expression of five fields, or six with seconds first. */
  schedule: string;
  /** When the daemon reconciles (walks the whole list); null: never by schedule. */
  fullSchedule: string | null;
  /** IANA name: of both schedules, and of the days and hours in reports. */
  timezone: string;
  sources: SourceSettings[];
  hooks: HookSettings[];
  sync: SyncSettings;
  /** Absolute path of the folder with the saved queries; it need not exist. */
  queriesFolder: string;
  omitFields: OmittableField[];
  /** Whether the mirror keeps a full text index of message, system prompt and error. */
  searchIndex: boolean;
  retention: RetentionSettings;
  log: LogSettings;
}

/** Where the value of a setting came from. */
export type Origin =
  | { kind: 'default' }
  | { kind: 'file'; path: string }
  | { kind: 'environment'; variable: string }
  | { kind: 'flag'; flag: string };

/** Describes an origin for a table or an error. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'file':
      return `file ${origin.path}`;
    case 'environment':
      return `environment variable ${origin.variable}`;
    default:
      return `flag ${origin.flag}`;
  }
}

/** The settings that can be given on the command line; relative paths start at the working directory. */
export interface SettingsFlags {
  /** `--config FILE` */
  config?: string | undefined;
  /** `--db FILE`, or a URL without a password */
  db?: string | undefined;
}

/** Environment variables, as the process received them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The sources of settings besides the defaults. */
export interface SettingsInput {
  env: Environment;
  /** False: no settings file is read, not even the one that is in the working directory. */
  readsFile?: boolean;
  /** Absolute path of the working directory; null if it was deleted. */
  cwd: string | null;
  flags: SettingsFlags;
}

export interface LoadedSettings {
  settings: Settings;
  /** For every leaf, by its path (`sync.pageSize`, `sources[0].apiKey`), where its value came from. */
  origins: ReadonlyMap<string, Origin>;
  /** Absolute path of the settings file; null if there is none. */
  file: string | null;
}
