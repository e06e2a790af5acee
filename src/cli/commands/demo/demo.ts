import { grouped } from '../../../render/text.ts';
import { wholeNumber } from '../../arguments/whole-number.ts';
import { CommandLineError } from '../../command-line-error.ts';
import { EXIT, type ExitCode } from '../../exit.ts';
import { query } from '../query/query.ts';
import { report } from '../report.ts';
import { status } from '../status.ts';
import { sync } from '../sync.ts';
import { followedSync } from './followed-sync.ts';
import { type DemoPlace, filePlace, schemaPlace, type SchemaDeps } from './place.ts';
import { QUESTIONS } from './questions.ts';

/** The simulated API, in its own process. */
export interface DemoApi {
  url: string;
  tasks: number;
  /** Makes this many events happen at once. */
  makeActivity(count: number): Promise<unknown>;
  close(): Promise<void>;
}

export interface DemoDeps extends SchemaDeps {
  signal: AbortSignal;
  startApi(options: { tasks: number; key: string }): Promise<DemoApi>;
}

export interface DemoFlags {
  /** The number of tasks at the API's start, as typed. */
  tasks: string;
  /** The file to keep the mirror in, or the schema with `db`; by default nothing is kept. */
  keep?: string | undefined;
  /** The URL of a PostgreSQL database for the mirror; by default it is in a file. */
  db?: string | undefined;
}

const MOST_TASKS = 1_000_000;
/** The key of the simulated API: not a secret, since that API serves nobody else. */
const DEMO_KEY = 'sigmic_demo_key_of_no_value';
/** Events between the two runs: some minutes of a busy team. */
const EVENTS = 250;
/** Changes that a follower prints meanwhile. */
const FOLLOWED = 3;

/** The first two of the next steps, with a mirror on each engine. */
const BEGIN: Readonly<Record<DemoPlace['engine'], string>> = {
  sqlite: `export SIGMIC_API_KEY=sigmic_...
  npx taskmirror sync                makes ./taskmirror.db, then updates it`,
  postgres: `export SIGMIC_API_KEY=sigmic_... TASKMIRROR_DB=URL
  npx taskmirror sync                makes the schema taskmirror, then updates it`,
};

/**
 * `taskmirror demo`: mirrors a simulated API over real HTTP into a real database, queries it, and mirrors it
 * again after more activity, while a follower prints changes as they come. Throws UsageError for invalid flags.
 */
export async function demo(deps: DemoDeps, { tasks, keep, db }: DemoFlags): Promise<ExitCode> {
  const count = taskCount(tasks);
  const place = db === undefined ? filePlace(deps.io, keep) : await schemaPlace(deps, db, keep);
  let exitCode: ExitCode | null = null;
  try {
    exitCode = await showIn(place, deps, count);
    return exitCode;
  } finally {
    const isComplete = exitCode === EXIT.done;
    const left = place.leave({ isComplete });
    // Why the demo failed counts more than that its mirror cannot be removed.
    await (isComplete ? left : left.catch(() => {}));
  }
}

async function showIn(place: DemoPlace, deps: DemoDeps, tasks: number): Promise<ExitCode> {
  const say = (text: string): unknown => deps.io.stdout.write(`${text}\n`);
  say(`A simulated Tasks API with ${grouped(tasks)} tasks starts on this machine.`);
  if (place.announcement !== null) say(place.announcement);
  const api = await deps.startApi({ tasks, key: DEMO_KEY });
  try {
    const exitCode = await tour(deps, api, place, say);
    if (place.keptAs !== null && exitCode === EXIT.done) {
      say(`\nThe mirror is kept in ${place.keptAs.name}. To query it:\n
  ${place.keptAs.query} "select status, count(*) from tasks group by status"`);
    }
    return exitCode;
  } finally {
    await api.close();
  }
}

async function tour(
  deps: DemoDeps,
  api: DemoApi,
  { engine, database, env }: DemoPlace,
  say: (text: string) => unknown,
): Promise<ExitCode> {
  const context = await deps.contextFor(
    { ...env, SIGMIC_API_KEY: DEMO_KEY, SIGMIC_BASE_URL: api.url },
    database,
  );

  say(`It serves at ${api.url}.`);
  say('Its tasks keep changing while they are read, and some requests fail.\n');
  say('$ taskmirror sync');
  const first = await sync(context, { json: false });
  if (first !== EXIT.done) return first;

  say('\n$ taskmirror status');
  await status(context, { json: false });
  for (const { text, sql } of QUESTIONS) {
    say(`\n${text}\n$ taskmirror query "${sql[engine].replace(/\n\s+/g, '\n    ')}"`);
    await query(context, sql[engine], { format: 'table' });
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
  ${BEGIN[engine]}
  npx taskmirror daemon              keeps it current until you stop it
  npx taskmirror changes --follow    prints each change as it is found`);
  return EXIT.done;
}

function taskCount(text: string): number {
  const count = wholeNumber(text, MOST_TASKS);
  if (count !== null) return count;
  throw new CommandLineError(`--tasks ${text}: expected a whole number from 1 to ${grouped(MOST_TASKS)}`);
}
