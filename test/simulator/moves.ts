import { activityOf, OPEN_STATUSES, type Task, utcText } from '../../src/model/task.ts';
import type { MoveDecision } from './decisions.ts';
import type { Sight } from './sight.ts';
import type { Arrival, Flaw, Version, World } from './world.ts';

const YEAR_MS = 365 * 86_400_000;
const FLAWS: readonly Flaw[] = ['count', 'time', 'unnamed', 'broken'];

/** The things that a move works on. */
export interface Scene {
  world: World;
  /** The part of the world that the moving key sees, if not all; then some rows go and come for it alone. */
  sight: Sight | null;
  now: number;
  /** Comes before the ids: those of different sources differ. */
  prefix: string;
}

/** Moves the list as decided. `wait` does not concern the list, and does nothing here. */
export function applyMove(scene: Scene, move: MoveDecision): void {
  const { world, now } = scene;
  switch (move.move) {
    case 'load':
      return addTasks(scene, move, { from: now, spacingMs: 1 + move.lagMs / 20 }, 'late');
    case 'new':
      return addTasks(scene, move, { from: now, spacingMs: 0 }, 'new');
    case 'burst':
      return addTasks(scene, move, { from: newest(scene) - move.lagMs, spacingMs: 0 }, 'late');
    case 'late':
      return addTasks(scene, move, { from: newest(scene) - move.lagMs, spacingMs: 700 }, 'late');
    case 'future':
      return addTasks(
        scene,
        move,
        { from: now + (move.where < 0.5 ? move.lagMs : YEAR_MS), spacingMs: 1 },
        'new',
      );
    case 'vanish':
      for (const { id } of rowsAt(world, move)) {
        if (scene.sight !== null && isForOne(move)) scene.sight.hide(id);
        else world.vanish(id);
      }
      return;
    case 'return':
      if (scene.sight !== null && isForOne(move)) return scene.sight.show(move.size);
      for (const { byTask } of world.vanished().slice(-move.size)) {
        const task = [...byTask.values()].at(-1)?.task;
        if (task !== undefined) world.put(move.where < 0.5 ? risen(task, now) : task, null, 'returned');
      }
      return;
    case 'misplace':
      // If several keys see a list, each sees its own part: their orders would be one more thing to
      // distinguish.
      if (scene.sight !== null) return;
      // With two of them close together, the rows between would look as if they were in order.
      if (world.inOrder().some(({ place, activity }) => place !== activity)) return;
      for (const version of rowsAt(world, { ...move, size: 1 })) {
        const other = rowsAt(world, { ...move, where: (move.where * 7.3) % 1, size: 1 })[0];
        // If ties come in any order, one of them alone in a wrong place looks like the end of its group.
        const isTied = world
          .inOrder()
          .some(({ id, activity }) => id !== version.id && activity === version.activity);
        if (other !== undefined && !(isTied && world.tieOrder === 'shuffled'))
          world.misplace(version, other.activity);
      }
      return;
    default:
      for (const version of rowsAt(world, move)) changeRow(scene, move, version);
  }
}

/** Returns whether the move happens to the rows of one key alone. */
function isForOne({ where }: MoveDecision): boolean {
  return Math.floor(where * 1_000) % 3 > 0;
}

/** Returns the newest activity that is not in the future, in ms: late rows come below it. */
function newest({ world, now }: Scene): number {
  return world.inOrder().find(({ activity }) => activity <= now)?.activity ?? now;
}

function changeRow({ world, now }: Scene, { move, where }: MoveDecision, { task, flaw }: Version): void {
  const flawed = FLAWS[Math.floor(where * 97) % FLAWS.length] ?? 'count';
  if (move === 'rise') world.put(risen(task, now), flaw, 'rose');
  else if (move === 'edit') world.put(edited(task), flaw, 'new');
  else if (move === 'sink') world.put(sunk(task), flaw, 'sank');
  else if (move === 'spoil') world.put(where < 0.3 ? risen(task, now) : task, flawed, 'rose');
  else if (move === 'cure' && flaw !== null) world.put(where < 0.3 ? risen(task, now) : task, null, 'rose');
}

function rowsAt(world: World, { where, size, move }: MoveDecision): Version[] {
  const order = world.inOrder();
  const pool = move === 'cure' ? order.filter(({ flaw }) => flaw !== null) : order;
  const first = Math.floor(where * pool.length);
  return pool.slice(first, first + size);
}

function addTasks(
  { world, prefix }: Scene,
  { size, where }: MoveDecision,
  times: { from: number; spacingMs: number },
  arrival: Arrival,
): void {
  for (let i = 0; i < size; i += 1) {
    const activity = Math.round(times.from - i * times.spacingMs);
    world.put(newTask(`${prefix}${world.rows.size}`, activity, Math.floor(where * 1_000) + i), null, arrival);
  }
}

/** Creates a task whose last activity is `activity`; `choice` decides its state. */
function newTask(id: string, activity: number, choice: number): Task {
  const isCompleted = choice % 3 !== 0;
  const isPending = choice % 7 === 0;
  const began = isCompleted ? activity - 1 - (choice % 5) * 40_000 : activity;
  return {
    id,
    apiKeyId: 'key-1',
    username: 'ada',
    sessionId: null,
    conversationId: `c-${id}`,
    status: isCompleted ? 'completed' : isPending ? 'pending' : 'running',
    message: `task ${id}`,
    systemPrompt: null,
    showInHistory: true,
    autoExecute: choice % 2 === 0,
    env: choice % 4 === 0 ? '{"A":"b"}' : null,
    error: null,
    createdAt: utcText(isPending && !isCompleted ? activity : began - 2_000),
    startedAt: isPending && !isCompleted ? null : utcText(began),
    completedAt: isCompleted ? utcText(activity) : null,
    lastActivityAt: utcText(activity),
    messageCount: 1,
    extra: choice % 6 === 0 ? '{"priority":1}' : null,
  };
}

/** Makes a task active right now: completed if it was open, else started again. */
function risen(task: Task, now: number): Task {
  const time = utcText(Math.max(now, activityOf(task)));
  return isOpen(task)
    ? {
        ...task,
        status: 'completed',
        startedAt: task.startedAt ?? time,
        completedAt: time,
        lastActivityAt: time,
      }
    : { ...task, status: 'running', startedAt: time, completedAt: null, lastActivityAt: time };
}

/** Changes a task without a trace in its times. */
function edited(task: Task): Task {
  const status = task.status === 'running' ? 'awaiting_approval' : isOpen(task) ? 'cancelled' : task.status;
  const messageCount = task.messageCount + 1;
  return { ...task, status, messageCount, message: `${task.conversationId} after ${messageCount} messages` };
}

/** Makes a task run again after a follow-up, which cleared completedAt: its last activity is its start. */
function sunk(task: Task): Task {
  if (task.completedAt === null || task.startedAt === null) return edited(task);
  return { ...task, status: 'running', completedAt: null, lastActivityAt: task.startedAt };
}

function isOpen({ status }: Task): boolean {
  return OPEN_STATUSES.some((open) => open === status);
}
