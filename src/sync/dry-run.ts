import { activityOf, type Task } from '../model/task.ts';
import type { Change, Committed, MirrorClaim, ObservedSource } from '../store/store.ts';

/** The first ids that a dry run would insert, update and remove. */
export interface Plan {
  insert: string[];
  update: string[];
  remove: string[];
}

/** A claim that lets a run read and plan as usual but writes nothing: it notes what it would have written. */
export interface DryClaim extends MirrorClaim {
  readonly plan: Plan;
}

/** Most ids shown of each kind. */
const IDS_SHOWN = 20;
/** Methods that a dry run calls on the mirror like any run. */
const READS = [
  'state',
  'preview',
  'openTasks',
  'tasks',
  'removable',
  'markSeen',
  'countUnseen',
  'unseen',
  'release',
] as const satisfies readonly (keyof ObservedSource)[];

/** Returns a dry claim of an observed source. */
export function dryClaim(mirror: ObservedSource): DryClaim {
  const planned = new Planned();
  let isSweeping = false;
  return {
    ...boundTo(mirror, READS),
    plan: planned.plan,
    startRun: async () => 0,
    finishRun: async () => {},
    async commit({ tasks, rejected }: Change): Promise<Committed> {
      if (isSweeping) await mirror.markSeen([...tasks, ...rejected].flatMap(({ id }) => id ?? []));
      const unwritten = planned.unwritten(tasks);
      const preview = await mirror.preview(unwritten);
      planned.note(unwritten, preview);
      return { ...preview, unchanged: tasks.length - preview.inserted - preview.updated };
    },
    // Counts as the real run would, with what it would have inserted by now.
    async countAbove(activity, atMost = Infinity) {
      return Math.min(atMost, (await mirror.countAbove(activity)) + planned.insertedAbove(activity));
    },
    async beginSweep() {
      isSweeping = true;
      await mirror.beginSweep();
    },
    async remove(ids) {
      const removed = await mirror.removable(ids);
      planned.noteRemoved(removed);
      return removed.length;
    },
    forgetUnseenRejections: async () => {},
    prepareForReaders: async () => {},
    clearOmitted: async () => ({ cleared: [], left: [] }),
    prune: async () => ({ changes: 0, tasks: 0 }),
    renew: async () => {},
  };
}

function boundTo<T extends object, K extends keyof T>(target: T, names: readonly K[]): Pick<T, K> {
  const bound = names.map((name) => [name, (target[name] as () => unknown).bind(target)]);
  return Object.fromEntries(bound) as Pick<T, K>;
}

/** The writes that a dry run has planned so far. Pages overlap: a row that comes twice would be written once. */
class Planned {
  readonly plan: Plan = { insert: [], update: [], remove: [] };
  readonly #written = new Set<string>();
  /** Activities (ms) of the tasks that would have been inserted. */
  readonly #inserted: number[] = [];

  unwritten(tasks: readonly Task[]): Task[] {
    const byId = new Map(tasks.filter(({ id }) => !this.#written.has(id)).map((task) => [task.id, task]));
    return [...byId.values()];
  }

  note(tasks: readonly Task[], { insertedIds, updatedIds }: Committed): void {
    const inserted = new Set(insertedIds);
    this.#inserted.push(...tasks.filter(({ id }) => inserted.has(id)).map(activityOf));
    this.#add(insertedIds, this.plan.insert);
    this.#add(updatedIds, this.plan.update);
  }

  noteRemoved(ids: readonly string[]): void {
    this.#add(ids, this.plan.remove);
  }

  insertedAbove(activity: number): number {
    return this.#inserted.filter((at) => at > activity).length;
  }

  #add(ids: readonly string[], shown: string[]): void {
    for (const id of ids) this.#written.add(id);
    shown.push(...ids.slice(0, Math.max(0, IDS_SHOWN - shown.length)));
  }
}
