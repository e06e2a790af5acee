import type {
  Change,
  Cleared,
  Committed,
  MirrorClaim,
  OpenTask,
  Pruned,
  RunRecord,
  SourceState,
} from '../store/store.ts';
import type { RunKind } from '../model/run.ts';
import { activityOf, type Task } from '../model/task.ts';

/** What a dry run would write: the first 20 ids of each kind. */
export interface Plan {
  insert: string[];
  update: string[];
  remove: string[];
}

/** Ids shown of each kind. */
const SHOWN = 20;

/** A claim that lets a run read and plan as ever, and writes nothing: it notes what would have been written. */
export class DryClaim implements MirrorClaim {
  readonly plan: Plan = { insert: [], update: [], remove: [] };
  readonly #mirror: MirrorClaim;
  /** Pages overlap: a row that comes twice would be written once. */
  readonly #written = new Set<string>();
  #sweeping = false;
  /** Activities (ms) of the tasks that would have been inserted by now. */
  readonly #inserted: number[] = [];

  /** `mirror` is only read: an observed claim. */
  constructor(mirror: MirrorClaim) {
    this.#mirror = mirror;
  }

  state(): Promise<SourceState> {
    return this.#mirror.state();
  }

  async startRun(_kind: RunKind): Promise<number> {
    return 0;
  }

  async finishRun(_runId: number, _record: RunRecord): Promise<void> {}

  preview(tasks: readonly Task[]): Promise<Committed> {
    return this.#mirror.preview(tasks);
  }

  async commit({ tasks, rejected }: Change): Promise<Committed> {
    if (this.#sweeping) {
      await this.#mirror.markSeen([...tasks, ...rejected].flatMap(({ id }) => (id === null ? [] : [id])));
    }
    const unwritten = new Map(
      tasks.filter(({ id }) => !this.#written.has(id)).map((task) => [task.id, task]),
    );
    const preview = await this.#mirror.preview([...unwritten.values()]);
    const inserted = new Set(preview.insertedIds);
    this.#inserted.push(...[...unwritten.values()].filter(({ id }) => inserted.has(id)).map(activityOf));
    this.#note(preview.insertedIds, this.plan.insert);
    this.#note(preview.updatedIds, this.plan.update);
    return { ...preview, unchanged: tasks.length - preview.inserted - preview.updated };
  }

  /** As the real run would count: with what it would have inserted by now. */
  async countAbove(activity: number, atMost = Infinity): Promise<number> {
    const inserted = this.#inserted.filter((at) => at > activity).length;
    return Math.min(atMost, (await this.#mirror.countAbove(activity)) + inserted);
  }

  openTasks(): Promise<OpenTask[]> {
    return this.#mirror.openTasks();
  }

  tasks(ids: readonly string[]): Promise<Task[]> {
    return this.#mirror.tasks(ids);
  }

  beginSweep(): Promise<void> {
    this.#sweeping = true;
    return this.#mirror.beginSweep();
  }

  markSeen(ids: readonly string[]): Promise<void> {
    return this.#mirror.markSeen(ids);
  }

  countUnseen(): Promise<number> {
    return this.#mirror.countUnseen();
  }

  unseen(afterId: string, limit: number): Promise<string[]> {
    return this.#mirror.unseen(afterId, limit);
  }

  removable(ids: readonly string[]): Promise<string[]> {
    return this.#mirror.removable(ids);
  }

  async remove(ids: readonly string[]): Promise<number> {
    const removed = await this.#mirror.removable(ids);
    this.#note(removed, this.plan.remove);
    return removed.length;
  }

  async forgetUnseenRejections(): Promise<void> {}

  async prepareForReaders(_signal: AbortSignal): Promise<void> {}

  async clearOmitted(): Promise<Cleared> {
    return { cleared: [], left: [] };
  }

  async prune(): Promise<Pruned> {
    return { changes: 0, tasks: 0 };
  }

  async renew(): Promise<void> {}

  release(): Promise<void> {
    return this.#mirror.release();
  }

  #note(ids: readonly string[], shown: string[]): void {
    for (const id of ids) this.#written.add(id);
    shown.push(...ids.slice(0, Math.max(0, SHOWN - shown.length)));
  }
}
