import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Activity, type EventWeights } from '../../src/source/simulated/activity.ts';
import { generateTasks } from '../../src/source/simulated/generate.ts';
import { type ApiTask, SimulatedList } from '../../src/source/simulated/list.ts';
import { createRandom } from '../../src/source/simulated/random.ts';
import { createApi, startServer } from '../../src/source/simulated/server.ts';
import { openMirror, syncTasks, type SyncResult } from '../../src/index.ts';
import { EPOCH } from '../support/tasks.ts';

const KEY = 'sigmic_crash';
const HOUR = 3_600_000;

/** Every version of a task that the API has shown, by its id. */
export type Versions = ReadonlyMap<string, readonly ApiTask[]>;

/** A run that is to be attacked: what the mirror was made from, and what the list has become. */
export interface Scenario {
  name: ScenarioName;
  args: readonly string[];
  pageSize: number;
  /** The list as it is now; it does not move while it is read. */
  tasks: readonly ApiTask[];
  versions: Versions;
  /** A folder with the mirror before the run; null: there is none yet. */
  template: string | null;
}

export const SCENARIOS = ['backfill', 'incremental', 'full'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** What only a full run finds (edits, sunken and vanished rows), and little enough of it not to trip the brake. */
const ALL_KINDS: Partial<EventWeights> = { vanish: 5, edit: 10, followUp: 4 };
/** What a plain run finds. A question for approval changes messageCount, which GET does not tell. */
const PLAIN_KINDS: Partial<EventWeights> = { followUp: 0, edit: 0, ask: 0, vanish: 0 };

/** Makes a scenario. `folder` must be empty, and stay as long as the scenario is used. */
export async function prepareScenario(
  name: ScenarioName,
  options: { folder: string; count: number; events: number; pageSize: number; seed: number },
): Promise<Scenario> {
  const { folder, count, events, pageSize, seed } = options;
  const args = name === 'full' ? ['sync', '--full'] : ['sync'];
  const before = generateTasks({ count, seed, now: EPOCH });
  if (name === 'backfill') {
    return { name, args, pageSize, tasks: before, versions: versionsOf(before), template: null };
  }
  const template = join(folder, 'template');
  mkdirSync(template);
  await using api = await serveTasks(before);
  const made = await runInProcess(template, { url: api.url, pageSize, full: true });
  if (made.failure !== null) throw new Error(`the mirror could not be made: ${made.report.error}`);

  const list = new SimulatedList(before);
  let time = EPOCH;
  const activity = new Activity({
    list,
    random: createRandom(seed),
    now: () => (time += 1_000),
    weights: name === 'full' ? ALL_KINDS : PLAIN_KINDS,
  });
  for (let event = 0; event < events; event++) activity.step();
  const tasks = list.all();
  return { name, args, pageSize, tasks, versions: versionsOf(before, tasks), template };
}

/** Puts a fresh copy of the scenario's mirror into `folder`. */
export function layOut({ template }: Scenario, folder: string): void {
  if (template === null) mkdirSync(folder, { recursive: true });
  else cpSync(template, folder, { recursive: true });
}

/** The mirror's file in its folder. */
export function mirrorIn(folder: string): string {
  return join(folder, 'taskmirror.db');
}

export interface ServedTasks extends AsyncDisposable {
  url: string;
  /** What a program needs to know of it. */
  env: Record<string, string>;
}

/** Serves these tasks on loopback. `onRequest` hears of each request, counted from 1, before it is answered. */
export async function serveTasks(
  tasks: Iterable<ApiTask>,
  onRequest: (number: number) => void = () => {},
): Promise<ServedTasks> {
  let requests = 0;
  const { app } = createApi({
    list: new SimulatedList(tasks),
    keys: [KEY],
    now: () => EPOCH + HOUR,
    onRequest: () => onRequest((requests += 1)),
  });
  const { url, close } = await startServer(app);
  return { url, env: { SIGMIC_API_KEY: KEY, SIGMIC_BASE_URL: url }, [Symbol.asyncDispose]: close };
}

/** A run in this process, through the library: what makes a mirror, and what goes on after a crash. */
export async function runInProcess(
  folder: string,
  { url, pageSize, full }: { url: string; pageSize: number; full: boolean },
): Promise<SyncResult> {
  const mirror = await openMirror(mirrorIn(folder));
  try {
    return await syncTasks(mirror, { apiKey: KEY, baseUrl: url, pageSize, full });
  } finally {
    await mirror.close();
  }
}

function versionsOf(...lists: readonly (readonly ApiTask[])[]): Versions {
  const versions = new Map<string, ApiTask[]>();
  for (const task of lists.flat()) versions.set(task.id, [...(versions.get(task.id) ?? []), task]);
  return versions;
}
