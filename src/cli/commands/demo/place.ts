import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nameOf, parsePostgresUrl, SCHEMA_NAME, SCHEMA_NAME_RULE } from '../../../model/postgres-url.ts';
import { absolutePath, assertPath } from '../../../platform/paths.ts';
import { complain, type Io, printable } from '../../../platform/terminal.ts';
import { CommandLineError } from '../../command-line-error.ts';
import type { CommandContext } from '../../context.ts';
import type { ServerPlace } from '../../copy-place.ts';

/** Where the demo makes its mirror. It was not there before, and nothing else uses it. */
export interface DemoPlace {
  engine: 'sqlite' | 'postgres';
  /** As `--db` takes it. */
  database: string;
  /** The environment of the commands, without a key: nothing in it leads to a real mirror. */
  env: Io['env'];
  /** Where a server gets the mirror, in a sentence. */
  announcement: string | null;
  /** Where the mirror stays, and the command that queries it, up to its SQL; null if it does not stay. */
  keptAs: { name: string; query: string } | null;
  /** Removes what does not stay. `isComplete`: the demo ran to its end. Throws DatabaseError. */
  leave(options: { isComplete: boolean }): Promise<void>;
}

/** Returns a file that does not exist yet: the one to keep, or one in a temporary folder. Throws UsageError. */
export function filePlace({ env, cwd }: Pick<Io, 'env' | 'cwd'>, keep: string | undefined): DemoPlace {
  const kept = keep === undefined ? null : freshFile(cwd, keep);
  const folder = kept === null ? mkdtempSync(join(tmpdir(), 'taskmirror-demo-')) : null;
  return {
    engine: 'sqlite',
    database: kept ?? join(folder ?? '', 'demo.db'),
    env: only(TERMINAL, env),
    announcement: null,
    keptAs: kept === null ? null : { name: printable(kept), query: 'npx taskmirror query --db FILE' },
    leave: async () => {
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface SchemaDeps {
  io: Io;
  /**
   * Returns the wired parts for these settings: commands then run as they would for a real key. `level`: of the
   * log, which shows errors by default.
   */
  contextFor: (env: Io['env'], db: string, level?: 'warn') => Promise<CommandContext>;
  /** Makes a schema and returns how to drop it; null if there is one of this name, which is left alone. */
  makeSchema: (place: ServerPlace, context: CommandContext) => Promise<(() => Promise<void>) | null>;
}

/**
 * Makes a schema in the PostgreSQL database of `url`: the one to keep, or one with a fresh name. Throws
 * UsageError, also if it is there already, and DatabaseError.
 */
export async function schemaPlace(
  { io, contextFor, makeSchema }: SchemaDeps,
  url: string,
  keep: string | undefined,
): Promise<DemoPlace> {
  if (keep !== undefined && !SCHEMA_NAME.test(keep)) {
    throw new CommandLineError(`--keep names a schema with this --db: expected ${SCHEMA_NAME_RULE}`);
  }
  const schema = keep ?? `taskmirror_demo_${randomBytes(4).toString('hex')}`;
  const env = { ...only([...TERMINAL, ...PASSWORDS], io.env), TASKMIRROR_SCHEMA: schema };
  const context = await contextFor(env, url, 'warn');
  const { database } = context.settings;
  const server = nameOf(parsePostgresUrl(database));
  const drop = await makeSchema({ url: database, schema }, context);
  if (drop === null) {
    throw new CommandLineError(`--keep ${schema}: ${server} has a schema of this name already`, {
      hint: 'Name a schema that does not exist yet: the demo begins with an empty mirror.',
    });
  }
  const fate = keep === undefined ? 'is dropped at the end' : 'stays if the demo runs to its end';
  return {
    engine: 'postgres',
    database,
    env,
    announcement: `Its mirror goes to ${server}, schema ${schema}, which ${fate}.`,
    keptAs:
      keep === undefined
        ? null
        : {
            name: `${server}, schema ${schema}`,
            query: `TASKMIRROR_SCHEMA=${schema} npx taskmirror query --db URL`,
          },
    async leave({ isComplete }) {
      if (keep !== undefined && isComplete) return;
      try {
        await drop();
      } catch (error) {
        const left = `${server}, schema ${schema}, could not be dropped`;
        complain(io.stderr, left, `When the server answers again: drop schema if exists ${schema} cascade`);
        throw error;
      }
    },
  };
}

/** The caller's own settings are left out: the demo must not touch a real mirror, or use a real key. */
const TERMINAL = ['PATH', 'HOME', 'TERM', 'NO_COLOR', 'FORCE_COLOR', 'LANG', 'LC_ALL', 'TZ'];
/** Where the environment may have the password of a database that is named on the command line. */
const PASSWORDS = [
  'TASKMIRROR_DB',
  'TASKMIRROR_DATABASE',
  'TASKMIRROR_DATABASE_PASSWORD',
  'PGPASSWORD',
  'PGPASSFILE',
];

function only(names: readonly string[], env: Io['env']): Io['env'] {
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

function freshFile(cwd: Io['cwd'], name: string): string {
  assertPath('--keep', name);
  if (name === '-') {
    throw new CommandLineError('--keep takes a file: a mirror cannot be printed', {
      hint: 'Leave --keep out to keep nothing.',
    });
  }
  const file = absolutePath(cwd, name);
  if (!existsSync(file)) return file;
  throw new CommandLineError(`--keep ${file}: this file already exists`, {
    hint: 'Name a file that does not exist yet: the demo begins with an empty mirror.',
  });
}
