import type { Clock } from '../../../model/clock.ts';
import { OLDEST_SERVER, type ReaderRoleFacts, type ServerFacts } from '../../../store/server.ts';
import { duration } from '../../../render/text.ts';
import { UNSUITABLE_HINTS } from '../../database-hints.ts';
import type { Check, Finding } from './doctor.ts';

/** Oldest PostgreSQL that the tests run on, as `server_version_num`. */
const OLDEST_TESTED = 150_000;
/** Connections that should be free: a run uses up to four. */
const FREE_CONNECTIONS = 5;
/** Differences of clocks in ms to warn of and to fail at. */
const CLOCK_WARN_MS = 5_000;
const CLOCK_FAIL_MS = 60_000;

export interface ServerCheckContext {
  clock: Pick<Clock, 'now'>;
  /** Throws DatabaseError. */
  inspect: () => Promise<ServerFacts>;
  /** The same of the role of `queryDatabase`; null if that is not set. */
  inspectReader: (() => Promise<ReaderRoleFacts>) | null;
}

/** Checks a PostgreSQL server, the role, and the mirror in it, by one question, and by another the role that reads. */
export function serverChecks({ clock, inspect, inspectReader }: ServerCheckContext): Check[] {
  const ofReader =
    inspectReader === null
      ? []
      : [{ name: 'query role', run: async () => [checkReader(await inspectReader())] }];
  return [
    {
      name: 'database',
      run: async () => {
        const server = await inspect();
        const findings = [
          checkVersion(server),
          checkMirror(server),
          checkEncoding(server),
          checkWrites(server),
          checkRole(server),
          checkClock(server, clock.now()),
          checkConnections(server),
          checkTls(server),
          checkIndexes(server),
        ];
        return findings.filter((finding) => finding !== null);
      },
    },
    ...ofReader,
  ];
}

function checkVersion({ name, version, versionNumber }: ServerFacts): Finding {
  const detail = `${name} runs PostgreSQL ${version}`;
  if (versionNumber >= OLDEST_TESTED) return { check: 'database', status: 'ok', detail };
  return {
    check: 'database',
    status: versionNumber < OLDEST_SERVER ? 'fail' : 'warn',
    detail,
    hint: UNSUITABLE_HINTS.version,
  };
}

function checkMirror({ mirror: { version, known }, mayCreate, owner }: ServerFacts): Finding {
  const check = 'mirror';
  if (version === known && owner === null) {
    return { check, status: 'ok', detail: 'the schema holds a mirror' };
  }
  if (version === known) {
    return {
      check,
      status: 'warn',
      detail: `it belongs to the role ${owner}: this one can read it, but not sync`,
      hint: 'Let sync and the daemon connect as its owner.',
    };
  }
  if (version > known) {
    return {
      check,
      status: 'fail',
      detail: `a newer taskmirror made it (schema ${version}, this one knows ${known})`,
      hint: 'Update taskmirror on this machine.',
    };
  }
  const detail =
    version === 0 ? 'not there yet: the first sync makes it' : 'the next sync brings it up to date';
  if (mayCreate) return { check, status: 'ok', detail };
  return {
    check,
    status: 'fail',
    detail: `${detail}, but the role may not create it`,
    hint: 'Let it: grant create on database NAME to ROLE. Or make the schema for it: create schema NAME authorization ROLE.',
  };
}

function checkEncoding({ encoding }: ServerFacts): Finding | null {
  if (encoding === 'UTF8') return null;
  return {
    check: 'encoding',
    status: 'fail',
    detail: `the database is in ${encoding}, which cannot hold all text`,
    hint: UNSUITABLE_HINTS.encoding,
  };
}

function checkWrites({ isStandby, isReadOnly }: ServerFacts): Finding | null {
  if (!isStandby && !isReadOnly) return null;
  return {
    check: 'writable',
    status: 'fail',
    detail: isStandby ? 'the server is a standby' : 'transactions of this role only read',
    hint: isStandby ? 'Name the primary server.' : 'Set default_transaction_read_only to off for the role.',
  };
}

function checkRole({ isSuperuser }: ServerFacts): Finding {
  const check = 'role';
  if (!isSuperuser) return { check, status: 'ok', detail: 'no superuser' };
  return {
    check,
    status: 'warn',
    detail: 'it is a superuser, so that SQL of "taskmirror query" can read files of the server',
    hint: 'Use a role that owns the schema and nothing else, and queryDatabase for people who only read.',
  };
}

function checkClock({ time, tookMs }: ServerFacts, now: number): Finding {
  const check = 'clock';
  const difference = now - time;
  const size = Math.abs(difference);
  if (size <= CLOCK_WARN_MS + tookMs) return { check, status: 'ok', detail: 'agrees with the database' };
  return {
    check,
    status: size > CLOCK_FAIL_MS ? 'fail' : 'warn',
    detail: `this machine is ${duration(size)} ${difference > 0 ? 'ahead of' : 'behind'} the database`,
    hint: 'Set both clocks (turn on NTP): leases go by the clock of the database, times of runs by this one.',
  };
}

function checkConnections({ connections: { used, most } }: ServerFacts): Finding {
  const check = 'connections';
  const detail = `${used} of ${most} are in use`;
  if (most - used >= FREE_CONNECTIONS) return { check, status: 'ok', detail };
  return {
    check,
    status: 'warn',
    detail,
    hint: 'Raise max_connections, or put a pooler in front of the server.',
  };
}

function checkTls({ isEncrypted }: ServerFacts): Finding {
  const detail = isEncrypted
    ? 'the connection is encrypted'
    : 'not encrypted: fine on this machine, or a network that you trust';
  return { check: 'TLS', status: 'ok', detail };
}

function checkIndexes({ invalidIndexes }: ServerFacts): Finding | null {
  if (invalidIndexes.length === 0) return null;
  return {
    check: 'indexes',
    status: 'warn',
    detail: `the build of ${invalidIndexes.join(', ')} was cut off`,
    hint: 'Run "taskmirror sync": it makes them again.',
  };
}

function checkReader({ name, hasMirror, isSuperuser, mayWrite, unreadable }: ReaderRoleFacts): Finding {
  const check = 'query role';
  if (unreadable.length > 0) {
    return {
      check,
      status: 'warn',
      detail: `${name} may not read ${unreadable.join(', ')}`,
      hint: 'Let it, as the owner of the mirror: grant select on all tables in schema NAME to ROLE.',
    };
  }
  if (isSuperuser || mayWrite) {
    return {
      check,
      status: 'warn',
      detail: `${name} ${isSuperuser ? 'is a superuser' : 'may also write to the mirror'}`,
      hint: 'Name a role in queryDatabase that may only read: see "Roles" in docs/postgresql.md.',
    };
  }
  const detail = hasMirror ? `${name} may read the mirror, and not write to it` : `${name} can connect`;
  return { check, status: 'ok', detail };
}
