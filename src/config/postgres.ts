import { UsageError } from '../model/errors.ts';
import {
  nameOf,
  parsePostgresUrl,
  type PostgresAddress,
  type PostgresTarget,
  SYSTEM,
} from '../model/postgres-url.ts';
import { readBounded } from '../platform/bounded-file.ts';
import type { Redactor } from '../platform/redact.ts';
import { urlProblem } from './database-url.ts';
import { passwordInFile } from './pgpass.ts';
import { describeSecret, findSecret, placeOfSecret, type SecretContext } from './secret.ts';
import type { SecretReference, Settings } from './settings.ts';

const MAX_KILOBYTES = 1024;
/** Within the 10 s that connecting may take: the server asks for the password first. */
const COMMAND_TIMEOUT_SECONDS = 8;

export interface TargetContext extends SecretContext {
  /** Receives every password before it is used. */
  redactor: Pick<Redactor, 'add'>;
  /** Takes warnings for a person. They hold no part of a password. */
  warn: (text: string) => void;
}

/** A database in the settings, and where its password may be. */
interface Way {
  setting: 'databasePassword' | 'queryDatabasePassword';
  url: string;
  reference: SecretReference | null;
  variables: readonly string[];
}

/**
 * Returns the PostgreSQL database of the settings; `toQuery`: by `queryDatabase`, if that is set. The password
 * is looked for each time that the server asks for one, so that one that was changed is found: in the URL of
 * the variable that set the database, where the settings say, in PGPASSWORD, in a pgpass file. Throws
 * UsageError if `sslrootcert` cannot be read.
 */
export async function resolveTarget(
  settings: Settings,
  context: TargetContext,
  { toQuery = false }: { toQuery?: boolean } = {},
): Promise<PostgresTarget> {
  const way = toQuery ? wayToQuery(settings) : wayTo(settings);
  const address = parsePostgresUrl(way.url);
  return {
    url: way.url,
    schema: settings.schema,
    ca: await authoritiesOf(address),
    password: async () => {
      const password = await passwordOf(way, address, context);
      // One that every message holds anyway is no secret, and hiding it would cut up the messages.
      if (password !== null && !['taskmirror', address.user, address.database].includes(password)) {
        context.redactor.add(password);
      }
      return password;
    },
  };
}

function wayTo({ database, databasePassword }: Settings): Way {
  return {
    setting: 'databasePassword',
    url: database,
    reference: databasePassword,
    variables: ['TASKMIRROR_DB', 'TASKMIRROR_DATABASE'],
  };
}

function wayToQuery(settings: Settings): Way {
  const { queryDatabase, queryDatabasePassword } = settings;
  if (queryDatabase === null) return wayTo(settings);
  return {
    setting: 'queryDatabasePassword',
    url: queryDatabase,
    reference: queryDatabasePassword,
    variables: ['TASKMIRROR_QUERY_DATABASE'],
  };
}

async function passwordOf(
  { setting, reference, variables }: Way,
  address: PostgresAddress,
  context: TargetContext,
): Promise<string | null> {
  const { env, cwd, warn } = context;
  const inUrl = variables.flatMap((name) => passwordFor(address, env[name]) ?? []);
  if (inUrl[0] !== undefined) return inUrl[0];
  if (reference !== null) return passwordAt(setting, reference, context);
  if (env['PGPASSWORD'] !== undefined && env['PGPASSWORD'] !== '') return env['PGPASSWORD'];
  const { password, warning } = passwordInFile(address, { env, cwd });
  if (warning !== undefined) warn(warning);
  return password;
}

/** Returns the password in a URL of the same place: the settings have lost theirs. */
function passwordFor(address: PostgresAddress, url: string | undefined): string | null {
  if (url === undefined || urlProblem(url) !== null) return null;
  const given = parsePostgresUrl(url);
  return nameOf(given) === nameOf(address) ? given.password : null;
}

async function passwordAt(
  setting: Way['setting'],
  reference: SecretReference,
  context: TargetContext,
): Promise<string> {
  const origin = describeSecret(setting, reference, context.cwd);
  const found = await findSecret(reference, context, COMMAND_TIMEOUT_SECONDS);
  const failure = 'failure' in found ? found.failure : passwordProblem(found.text);
  if ('failure' in found || failure !== null) {
    throw new UsageError(
      'password_unusable',
      { setting, ...placeOfSecret(reference, context.cwd) },
      `The database has no usable password: ${origin} ${failure}.`,
    );
  }
  if (found.isShared === true) {
    context.warn(
      `Other users of this machine can read the password of the database: chmod 600 its ${origin}.`,
    );
  }
  return found.text;
}

function passwordProblem(text: string): string | null {
  if (text === '') return 'is empty';
  return /[\0\r\n]/.test(text) ? 'holds more than one line' : null;
}

async function authoritiesOf({ sslRootCert }: PostgresAddress): Promise<string | null> {
  if (sslRootCert === null) return null;
  if (sslRootCert === SYSTEM) {
    const { getCACertificates } = await import('node:tls');
    return getCACertificates('system').join('\n');
  }
  const file = readBounded(sslRootCert, MAX_KILOBYTES);
  const failure =
    'failure' in file
      ? file.failure
      : file.text.includes('-BEGIN CERTIFICATE-')
        ? null
        : 'holds no certificate';
  if ('failure' in file || failure !== null) {
    throw new UsageError(
      'certificate_unusable',
      { file: sslRootCert },
      `The file of sslrootcert cannot be used: ${sslRootCert} ${failure}.`,
    );
  }
  return file.text;
}
