/**
 * The simulated API's process: `node api.ts <tasks>`. Serves a list on a loopback port, at rest unless it is
 * told to move it, and obeys its parent's messages; it ends with its parent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiTask, SimulatedList } from '../../src/source/simulated/list.ts';
import { createRandom } from '../../src/source/simulated/random.ts';
import { createApi, startServer } from '../../src/source/simulated/server.ts';
import { activityOf, utcText } from '../../src/model/task.ts';
import { API_KEY, type ApiAnswer, type ApiOrder } from '../api.ts';
import { LIST_MOMENT, tasksAtRest } from '../list.ts';
import { move } from '../movement.ts';

/** Share of the latency that a request to a moving list takes each way, and by how much it varies in all. */
const EACH_WAY = 1 / 2;
const JITTER = 0.3;

const [, , count] = process.argv;
const tasks = tasksAtRest(Number(count));
let latencyMs = 0;
let served = serve();
const { url } = await startServer({ fetch: answerInTime });

process.on('message', (order: ApiOrder) => {
  if (order.latencyMs !== undefined) latencyMs = order.latencyMs;
  if (order.movement !== undefined) served = serve(order.movement);
  if (order.changes !== undefined) change(served.list, order.changes);
  tell(order.nearMs);
});
process.once('disconnect', () => process.exit());
tell();

/** Creates an API over the list as it was at the start. */
function serve(movement?: ApiOrder['movement']) {
  const list = new SimulatedList(tasks);
  const moved = new Set<string>();
  const random = createRandom(movement?.seed ?? 0);
  const { app, stats } = createApi({
    list,
    keys: [API_KEY],
    now: Date.now,
    onRequest: ({ kind, number }) => {
      if (movement === undefined || kind !== 'list' || number === 1) return;
      for (const id of move(list, movement, random)) moved.add(id);
    },
  });
  const way = (): number => latencyMs * (EACH_WAY + JITTER * (random.next() - 0.5));
  /** Returns when a request reaches the list, and when its answer leaves, in ms after the request came. */
  const timing = (): { reads: number; leaves: number } => {
    if (movement === undefined) return { reads: 0, leaves: latencyMs };
    const reads = way();
    return { reads, leaves: reads + way() };
  };
  return { list, moved, app, stats, timing };
}

/** Sends an answer at its time, however long it took to make. */
async function answerInTime(...request: Parameters<typeof served.app.fetch>): Promise<Response> {
  const came = performance.now();
  // The list that is served may be another one before this is answered.
  const { app, timing } = served;
  const { reads, leaves } = timing();
  if (reads > 0) await delay(reads);
  const answer = await app.fetch(...request);
  const left = leaves - (performance.now() - came);
  if (left > 0) await delay(left);
  return answer;
}

function tell(nearMs = 0): void {
  const { list, moved, stats } = served;
  const answer: ApiAnswer = {
    url,
    listRequests: stats.list,
    rowsNear: rowsNear(list, nearMs),
    moved: [...moved],
  };
  process.send?.(answer);
}

/** Counts rows whose activity is at most `ms` below the head's. */
function rowsNear(list: SimulatedList, ms: number): number {
  const head = headOf(list);
  let rows = 0;
  for (let task = list.at(0); task !== undefined && activityOf(task) >= head - ms; task = list.at(rows))
    rows += 1;
  return rows;
}

/** Adds by turns a new task and a newly active one from mid-list, a second apart above the head. */
function change(list: SimulatedList, changes: number): void {
  const head = headOf(list);
  for (let nth = 1; nth <= changes; nth++) {
    const at = utcText(head + nth * 1_000);
    const old = list.at(Math.floor(list.size / 2));
    if (old === undefined) throw new Error('An empty list has nothing to change.');
    const id = nth % 2 === 0 ? old.id : `${head}-${nth}`;
    const changed: ApiTask = { ...old, id, startedAt: at, completedAt: at, lastActivityAt: at };
    list.put(changed);
  }
}

function headOf(list: SimulatedList): number {
  const [first] = list.page({ offset: 0, limit: 1 }).data;
  return first === undefined ? LIST_MOMENT : activityOf(first);
}
