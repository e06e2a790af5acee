import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { absolutePath, assertPath } from '../../platform/paths.ts';
import { CommandLineError } from '../command-line-error.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { CommandContext } from '../context.ts';
import type { Io } from '../../platform/terminal.ts';
import { grouped, printable } from '../../render/text.ts';
import { followedSync } from './followed-sync.ts';
import { query } from './query/query.ts';
import { report } from './report.ts';
import { status } from './status.ts';
import { sync } from './sync.ts';
import { wholeNumber } from '../arguments/whole-number.ts';

/** The simulated API, in its own process. */
export interface DemoApi {
  url: string;
  tasks: number;
  /** Makes this many events happen at once. */
  makeActivity(count: number): Promise<unknown>;
  close(): Promise<void>;
}

export interface DemoDeps {
  io: Io;
  signal: AbortSignal;
  startApi(options: { tasks: number; key: string }): Promise<DemoApi>;
  /** Returns the wired parts for these settings: commands then run as they would for a real key. */
  contextFor(env: Io['env'], db: string): Promise<CommandContext>;
}

export interface DemoFlags {
  /** The number of tasks at the API's start, as typed. */
  tasks: string;
  /** The file to keep the mirror in; by default a temporary folder, removed at the end. */
  keep?: string | undefined;
}

const MOST_TASKS = 1_000_000;
/** The key of the simulated API: not a secret, since that API serves nobody else. */
const DEMO_KEY = 'sigmic_demo_key_of_no_value';
/** Events between the two runs: some minutes of a busy team. */
const EVENTS = 250;
/** Changes that a follower prints meanwhile. */
const FOLLOWED = 3;

const QUERIES = [
  [
    'How many tasks succeed, and how long do they take?',
    `select status, count(*) as tasks,
       round(median(queue_ms) / 1000.0, 1) as median_queue_s,
       round(median(run_ms) / 1000.0, 1) as median_run_s
     from tasks where removed_at is null
     group by status order by tasks desc`,
  ],
  [
    'Who has the most failures in the last 30 days?',
    `select username, count(*) as tasks, sum(status = 'failed') as failed,
       round(100.0 * sum(status = 'failed') / count(*), 1) as percent
     from tasks
     where created_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')
     group by username order by percent desc limit 5`,
  ],
] as const;

/**
 * `taskmirror demo`: mirrors a simulated API over real HTTP into a real file, queries it, and mirrors it
 * again after more activity, while a follower prints changes as they come. Throws UsageError for invalid flags.
 */
export async function demo(deps: DemoDeps, flags: DemoFlags): Promise<ExitCode> {
  const tasks = taskCount(flags.tasks);
  const kept = flags.keep === undefined ? null : freshFile(deps.io.cwd, flags.keep);
  const folder = kept === null ? mkdtempSync(join(tmpdir(), 'taskmirror-demo-')) : null;
  const file = kept ?? join(folder ?? '', 'demo.db');
  const say = (text: string): unknown => deps.io.stdout.write(`${text}\n`);
  try {
    say(`A simulated Tasks API with ${grouped(tasks)} tasks starts on this machine.`);
    const api = await deps.startApi({ tasks, key: DEMO_KEY });
    try {
      const exitCode = await tour(deps, api, file, say);
      if (kept !== null && exitCode === EXIT.done) {
        say(`\nThe mirror is kept in ${printable(kept)}. To query it:\n
  npx taskmirror query --db FILE "select status, count(*) from tasks group by status"`);
      }
      return exitCode;
    } finally {
      await api.close();
    }
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}

async function tour(
  deps: DemoDeps,
  api: DemoApi,
  file: string,
  say: (text: string) => unknown,
): Promise<ExitCode> {
  const env = { ...terminalOf(deps.io.env), SIGMIC_API_KEY: DEMO_KEY, SIGMIC_BASE_URL: api.url };
  const context = await deps.contextFor(env, file);

  say(`It serves at ${api.url}.`);
  say('Its tasks keep changing while they are read, and some requests fail.\n');
  say('$ taskmirror sync');
  const first = await sync(context, { json: false });
  if (first !== EXIT.done) return first;

  say('\n$ taskmirror status');
  await status(context, { json: false });
  for (const [question, sql] of QUERIES) {
    say(`\n${question}\n$ taskmirror query "${sql.replace(/\n\s+/g, '\n    ')}"`);
    await query(context, sql, { format: 'table' });
  }
  say('\nThe same with open tasks and failures, as a report to read each morning:');
  say('$ taskmirror report overview');
  await report(context, 'overview', {}, 'table');

  say(`\n${EVENTS} more events happen: new tasks, tasks that end, approvals, follow-ups.`);
  say(`Then once more, while a follower prints the first ${FOLLOWED} changes as they come:\n`);
  await api.makeActivity(EVENTS);
  say(`$ taskmirror changes --follow --limit ${FOLLOWED} --format table &`);
  say('$ taskmirror sync');
  const second = await followedSync(context, FOLLOWED);
  if (second !== EXIT.done) return second;

  say(`\nThat is all it costs to stay current. With your own key:\n
  export SIGMIC_API_KEY=sigmic_...
  npx taskmirror sync                makes ./taskmirror.db, then updates it
  npx taskmirror daemon              keeps it current until you stop it
  npx taskmirror changes --follow    prints each change as it is found`);
  return EXIT.done;
}

/** Drops the caller's own settings: the demo must not touch a real mirror, or use a real key. */
function terminalOf(env: Io['env']): Io['env'] {
  const names = ['PATH', 'HOME', 'TERM', 'NO_COLOR', 'FORCE_COLOR', 'LANG', 'LC_ALL', 'TZ'];
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

function taskCount(text: string): number {
  const count = wholeNumber(text, MOST_TASKS);
  if (count !== null) return count;
  throw new CommandLineError(`--tasks ${text}: expected a whole number from 1 to ${grouped(MOST_TASKS)}`);
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
