/**
 * The oldest PostgreSQL that can hold a mirror, as `server_version_num`: the search index has functions in a form that
 * older ones do not know.
 */
export const OLDEST_SERVER = 140_000;

/** What `doctor` asks a server. */
export interface ServerFacts {
  /** `user@host:port/database`. */
  name: string;
  /** As the server writes it, such as `18.0`. */
  version: string;
  /** The same as a number: 180000. */
  versionNumber: number;
  encoding: string;
  /** Whether the connection is encrypted. */
  isEncrypted: boolean;
  isStandby: boolean;
  /** Whether new transactions of the role only read. */
  isReadOnly: boolean;
  isSuperuser: boolean;
  /** The time at the server when it answered, in ms, and how long the answer took. */
  time: number;
  tookMs: number;
  connections: { used: number; most: number };
  /** The version of the mirror in the schema; 0 if there is none. `known`: what this program writes. */
  mirror: { version: number; known: number };
  /** Whether the role may make what the first run makes, if there is no mirror yet. */
  mayCreate: boolean;
  /** Indexes of the schema whose build was cut off, by name. */
  invalidIndexes: string[];
  /** The role that the mirror belongs to, if this one may only read it; null: it is this one's, or there is none. */
  owner: string | null;
}

/** What `doctor` asks by the role that only reads. */
export interface ReaderRoleFacts {
  /** `user@host:port/database`. */
  name: string;
  /** Whether there is a mirror. */
  hasMirror: boolean;
  isSuperuser: boolean;
  /** Whether the role may change a table of the mirror. */
  mayWrite: boolean;
  /** Tables and views of the mirror that the role may not read. */
  unreadable: string[];
}
