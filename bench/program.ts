import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { SyncOutcome } from '../src/commands/sync.ts';
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
  /** As {@link Command} has it. */
  onlyWall?: boolean;
}

/** taskmirror as it is published, in a folder without its sources. */
export interface Program {
  /** The command line that runs it, on the mirror in `db`. */
  command(db: string, args: readonly string[], env?: Readonly<Record<string, string>>): Command;
  /** One `sync`. Throws where it was not exact. */
  sync(run: SyncRun): Promise<Spent & { report: SyncReport }>;
}

/** Puts what `npm run build` made into `folder`, beside nothing that a user's installation would not have. */
export function installProgram(folder: string): Program {
  mkdirSync(folder);
  for (const part of ['bin', 'dist', 'package.json']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const bin = join(folder, 'bin/taskmirror.js');
  const command: Program['command'] = (db, args, env = {}) => ({
    args: [bin, ...args, '--db', db],
    // The compile cache is kept below TMPDIR.
    env: { HOME: folder, TMPDIR: folder, ...env },
  });
  return {
    command,
    async sync({ db, url, full = false, concurrency, onlyWall = false }) {
      const env = {
        SIGMIC_API_KEY: API_KEY,
        SIGMIC_BASE_URL: url,
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
