import type { ApiTask, SimulatedList } from '../src/source/simulated/list.ts';
import type { Random } from '../src/source/simulated/random.ts';
import { activityOf, utcText } from '../src/model/task.ts';

/** The movement of a list between two list requests, as numbers of rows of each kind. */
export interface Movement {
  /** New tasks, and tasks from anywhere with new activity: both go to the top. */
  created?: number;
  active?: number;
  /** Rows from anywhere that leave the list, and that move down by up to a page. */
  vanishing?: number;
  sinking?: number;
}

/** A kind of movement, and what reading such a list to its end may cost. */
export interface MovementKind {
  name: string;
  movement: Movement;
  /** Most list requests for each page that the list has at rest. */
  requests: number;
  /** Most time against the same list at rest, if several requests are under way and the API is slow. */
  time: number;
}

export const AT_REST: MovementKind = { name: 'at rest', movement: {}, requests: 1, time: 1 };

export const MOVEMENTS: readonly MovementKind[] = [
  { name: '1 new task', movement: { created: 1 }, requests: 1.2, time: 1.35 },
  { name: '3 new tasks', movement: { created: 3 }, requests: 1.2, time: 1.35 },
  { name: '10 new tasks', movement: { created: 10 }, requests: 1.4, time: 1.6 },
  { name: '3 tasks with new activity', movement: { active: 3 }, requests: 1.2, time: 1.35 },
  { name: '1 vanishing row', movement: { vanishing: 1 }, requests: 1.2, time: 1.35 },
  { name: '3 vanishing rows', movement: { vanishing: 3 }, requests: 1.3, time: 1.35 },
  { name: '1 sinking row', movement: { sinking: 1 }, requests: 1.2, time: 1.35 },
  {
    name: '2 new, 2 active, 1 vanishing',
    movement: { created: 2, active: 2, vanishing: 1 },
    requests: 1.2,
    time: 1.35,
  },
];

const PAGE_ROWS = 100;
/** Time between two activities at the top of the list, in ms. */
const APART_MS = 1_000;

/** Moves the list once, and returns the ids of the rows that were there and did not keep their place. */
export function move(list: SimulatedList, movement: Movement, random: Random): string[] {
  const { created = 0, active = 0, vanishing = 0, sinking = 0 } = movement;
  const anyPlace = (): number => random.int(0, list.size - 1);
  const moved: string[] = [];
  for (let nth = 0; nth < created; nth++) {
    // The list's own ids are random as well, and the same seed would give them again.
    putOnTop(list, { ...rowAt(list, anyPlace()), id: `new-${random.uuid()}` });
  }
  for (let nth = 0; nth < active; nth++) {
    const task = rowAt(list, anyPlace());
    putOnTop(list, task);
    moved.push(task.id);
  }
  for (let nth = 0; nth < vanishing; nth++) {
    const { id } = rowAt(list, anyPlace());
    list.remove(id);
    moved.push(id);
  }
  for (let nth = 0; nth < sinking; nth++) {
    const place = anyPlace();
    const task = rowAt(list, place);
    const lower = rowAt(list, Math.min(list.size - 1, place + random.int(1, PAGE_ROWS)));
    list.put(settledAt(task, activityOf(lower) - 1));
    moved.push(task.id);
  }
  return moved;
}

function putOnTop(list: SimulatedList, task: ApiTask): void {
  list.put(settledAt(task, activityOf(rowAt(list, 0)) + APART_MS));
}

/** Returns the task as if all that ever happened to it had happened at `at` (ms). */
function settledAt(task: ApiTask, at: number): ApiTask {
  const time = utcText(at);
  return { ...task, createdAt: time, startedAt: time, completedAt: time, lastActivityAt: time };
}

function rowAt(list: SimulatedList, place: number): ApiTask {
  const task = list.at(place);
  if (task === undefined) throw new RangeError(`The list has no row ${place}, so it cannot move.`);
  return task;
}
