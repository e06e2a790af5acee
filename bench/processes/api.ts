/**
 * The simulated API's process: `node api.ts <tasks>`. Serves a list at rest on a loopback port, and does what
 * its parent says by messages; it ends with its parent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiTask, SimulatedList } from '../../src/demo/list.ts';
import { createApi, startServer } from '../../src/demo/server.ts';
import { activityOf, utcText } from '../../src/sync/task.ts';
import { API_KEY, type ApiAnswer, type ApiOrder } from '../api.ts';
import { LIST_MOMENT, tasksAtRest } from '../list.ts';

const [, , count] = process.argv;
const list = new SimulatedList(tasksAtRest(Number(count)));
let latencyMs = 0;
const { app, stats } = createApi({ list, keys: [API_KEY], now: Date.now });
const { url } = await startServer({ fetch: answerInTime });

process.on('message', (order: ApiOrder) => {
  if (order.latencyMs !== undefined) latencyMs = order.latencyMs;
  if (order.changes !== undefined) change(order.changes);
  tell({ url, listRequests: stats.list, rowsNear: rowsNear(order.nearMs ?? 0) });
});
process.once('disconnect', () => process.exit());
tell({ url, listRequests: 0, rowsNear: 0 });

/** An answer leaves `latencyMs` after its request has come, whatever part of that it took to make it. */
async function answerInTime(...request: Parameters<typeof app.fetch>): Promise<Response> {
  const came = performance.now();
  const answer = await app.fetch(...request);
  const left = latencyMs - (performance.now() - came);
  if (left > 0) await delay(left);
  return answer;
}

function tell(answer: ApiAnswer): void {
  process.send?.(answer);
}

/** Rows whose activity is at most `ms` below the head's. */
function rowsNear(ms: number): number {
  const head = headOf();
  let rows = 0;
  for (let task = list.at(0); task !== undefined && activityOf(task) >= head - ms; task = list.at(rows))
    rows += 1;
  return rows;
}

/** By turns a new task, and one from the middle of the list that has become active, a second apart above the head. */
function change(changes: number): void {
  const head = headOf();
  for (let nth = 1; nth <= changes; nth++) {
    const at = utcText(head + nth * 1_000);
    const old = list.at(Math.floor(list.size / 2));
    if (old === undefined) throw new Error('An empty list has nothing to change.');
    const id = nth % 2 === 0 ? old.id : `${head}-${nth}`;
    const changed: ApiTask = { ...old, id, startedAt: at, completedAt: at, lastActivityAt: at };
    list.put(changed);
  }
}

function headOf(): number {
  const [first] = list.page({ offset: 0, limit: 1 }).data;
  return first === undefined ? LIST_MOMENT : activityOf(first);
}
