import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { SyncOutcome } from '../src/cli/commands/sync.ts';
import type { SyncReport } from '../src/sync/report.ts';
import { API_KEY } from './api.ts';
import { type Command, spend, type Spent } from './measure.ts';

export const ROOT = resolve(import.meta.dirname, '..');

export interface SyncRun {
  /** The mirror's file. */
  db: string;
  url: string;
  full?: boolean;
  concurrency?: number;
  /** Whether it keeps a full text index; true by default. */
  searchIndex?: boolean;
  /** See {@link Command}. */
  onlyWall?: boolean;
}

/** taskmirror as docs/daemon.md runs it: in a clone after `npm ci`, by its own Node, like cron or systemd. */
export interface Program {
  /** Returns the command line that runs it on the mirror in `db`. */
  command(db: string, args: readonly string[], env?: Readonly<Record<string, string>>): Command;
  /** Runs one `sync`. Throws if it was not exact. */
  sync(run: SyncRun): Promise<Spent & { report: SyncReport }>;
}

/** Returns the program of this clone; `home`, a folder that this creates, is the home of its user. */
export function programOf(home: string): Program {
  mkdirSync(home);
  const bin = join(ROOT, 'bin/taskmirror.js');
  const command: Program['command'] = (db, args, env = {}) => ({
    args: [bin, ...args, '--db', db],
    env: { HOME: home, TMPDIR: home, ...env },
  });
  return {
    command,
    async sync({ db, url, full = false, concurrency, searchIndex = true, onlyWall = false }) {
      const env = {
        SIGMIC_API_KEY: API_KEY,
        SIGMIC_BASE_URL: url,
        TASKMIRROR_SEARCH_INDEX: String(searchIndex),
        ...(concurrency === undefined ? {} : { TASKMIRROR_SYNC_CONCURRENCY: String(concurrency) }),
      };
      const args = ['sync', '--json', ...(full ? ['--full'] : [])];
      const spent = await spend({ ...command(db, args, env), onlyWall });
      const { ok, sources }: SyncOutcome = JSON.parse(spent.stdout);
      const [report] = sources;
      if (!ok || report === undefined) throw new Error(`sync was not exact: ${spent.stdout}`);
      return { ...spent, report };
    },
  };
}
