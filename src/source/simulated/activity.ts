import { OPEN_STATUSES, utcText } from '../../model/task.ts';
import type { ApiTask, SimulatedList } from './list.ts';
import { writeFailure } from './messages.ts';
import type { Random } from './random.ts';
import { newSession, newTask, update } from './tasks.ts';
import { TEAM } from './team.ts';

const KINDS = [
  'create',
  'start',
  'finish',
  'ask',
  'approve',
  'cancel',
  'followUp',
  'edit',
  'vanish',
] as const;

/**
 * The events that can happen to the list. `create` puts a task at its top; `start`, `finish` and some of
 * `followUp` move one there. `ask` (for approval), `approve` and `cancel` change a status, and `edit` a
 * messageCount, in place. A followUp removes a completed task's completedAt: if startedAt is kept, as for
 * some tasks of the last day, the task sinks. `vanish` removes a row.
 */
export type EventKind = (typeof KINDS)[number];

/** An event, and the task that it happened to. */
export interface ActivityEvent {
  kind: EventKind;
  id: string;
}

/**
 * How often each kind happens, relative to the others. For start, finish, ask, approve and cancel: how often
 * it happens to each task that it can happen to.
 */
export type EventWeights = Readonly<Record<EventKind, number>>;

// These keep about 15 tasks open: the more are open, the more start or finish.
const WEIGHTS: EventWeights = {
  create: 20,
  start: 5,
  finish: 2.5,
  ask: 0.6,
  approve: 2,
  cancel: 0.1,
  followUp: 4,
  edit: 6,
  vanish: 0,
};

/** The open statuses in which an event can happen to a task. Kinds that are not listed happen to any task. */
const STATUSES: Partial<Record<EventKind, readonly string[]>> = {
  start: ['pending'],
  finish: ['running'],
  ask: ['running'],
  approve: ['awaiting_approval'],
  cancel: OPEN_STATUSES,
};

const OPEN: ReadonlySet<string> = new Set(OPEN_STATUSES);

/** Time in ms after which a task that runs is forgotten: it ends no more, so that no run takes months. */
const FORGOTTEN_MS = 24 * 3_600_000;

/** Most places of the list that are tried to find a task for an event that can happen anywhere. */
const TRIES = 50;

/** Life on a list: each step is one event that the API's users and agents could have caused just now. */
export class Activity {
  readonly #list: SimulatedList;
  readonly #random: Random;
  readonly #now: () => number;
  readonly #weights: EventWeights;
  /** Ids of tasks that were in an open status when last seen; others may have changed the list since. */
  #open: string[];

  /**
   * `now` (ms since the epoch) must not be before the times of the list's tasks. `weights` replace the
   * believable ones kind by kind; rows vanish only if that kind is given a weight.
   */
  constructor(options: {
    list: SimulatedList;
    random: Random;
    now: () => number;
    weights?: Partial<EventWeights>;
  }) {
    this.#list = options.list;
    this.#random = options.random;
    this.#now = options.now;
    this.#weights = { ...WEIGHTS, ...options.weights };
    this.#open = this.#list
      .all()
      .filter(({ status }) => OPEN.has(status))
      .map(({ id }) => id);
  }

  /** Makes one event happen. If no kind with a weight can happen, creates a task. */
  step(): ActivityEvent {
    const open = this.#openTasks();
    const choices = KINDS.map((kind) => {
      const statuses = STATUSES[kind];
      const tasks = open.filter(
        (task) => (statuses?.includes(task.status) ?? false) && (kind !== 'finish' || this.#isFresh(task)),
      );
      return { kind, tasks, weight: this.#weights[kind] * (statuses === undefined ? 1 : tasks.length) };
    }).filter(({ weight }) => weight > 0);
    if (choices.length === 0) return this.#create();

    const { kind, tasks } = this.#random.weighted(choices);
    if (kind === 'create') return this.#create();
    const task = tasks.length > 0 ? this.#random.pick(tasks) : this.#anyTask(kind);
    if (task === undefined) return this.#create();
    if (kind === 'vanish') this.#list.remove(task.id);
    else this.#list.put(update({ ...task }, this.#effect(kind, task)));
    if (kind === 'followUp') this.#open.push(task.id);
    return { kind, id: task.id };
  }

  #create(): ActivityEvent {
    const at = this.#now();
    const task = newTask(newSession(this.#random.weighted(TEAM), at, this.#random), at, this.#random);
    this.#list.put(task);
    this.#open.push(task.id);
    return { kind: 'create', id: task.id };
  }

  #effect(kind: Exclude<EventKind, 'create' | 'vanish'>, task: ApiTask): Partial<ApiTask> {
    const now = utcText(this.#now());
    const messageCount = task.messageCount + 1;
    switch (kind) {
      case 'start':
        return { status: 'running', startedAt: now, messageCount };
      case 'finish':
        return this.#random.chance(0.9)
          ? { status: 'completed', completedAt: now, messageCount: messageCount + this.#random.int(0, 3) }
          : { status: 'failed', completedAt: now, error: writeFailure(this.#random), messageCount };
      case 'ask':
        return { status: 'awaiting_approval', messageCount };
      case 'approve':
        return { status: 'running' };
      case 'cancel':
        return { status: 'cancelled' };
      case 'followUp': {
        const reopened = { status: 'running', completedAt: null, messageCount };
        const isRestarted = this.#random.chance(0.5) || !this.#isFresh(task);
        return isRestarted ? { ...reopened, startedAt: now } : reopened;
      }
      default:
        return { messageCount };
    }
  }

  #isFresh({ startedAt }: ApiTask): boolean {
    return startedAt === null || this.#now() - Date.parse(startedAt) < FORGOTTEN_MS;
  }

  #openTasks(): ApiTask[] {
    const tasks = this.#open
      .flatMap((id) => this.#list.find(id) ?? [])
      .filter(({ status }) => OPEN.has(status));
    this.#open = tasks.map(({ id }) => id);
    return tasks;
  }

  /** Returns a task from anywhere in the list, more likely near its head; for a followUp, a completed one. */
  #anyTask(kind: EventKind): ApiTask | undefined {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const task = this.#list.at(Math.floor(this.#list.size ** this.#random.next()) - 1);
      if (task !== undefined && (kind !== 'followUp' || task.status === 'completed')) return task;
    }
    return undefined;
  }
}
