import type { Task } from '../../src/model/task.ts';
import { detailKey, taskKey } from './keys.ts';
import type { Inspector, MirroredSource, Row } from './place.ts';

export type { MirroredSource };

/** A row of the mirror, with what identifies its version. */
export interface MirroredTask {
  readonly task: Task;
  /** Identify its versions, by all fields and by those that GET shows. */
  readonly key: string;
  readonly detailKey: string;
  readonly source: string;
  readonly isLive: boolean;
}

/**
 * The mirror as another program sees it. After each commit, it reads again what the commit touched; `drifted`
 * finds whether anything else has changed as well.
 */
export class MirrorView {
  readonly tasks = new Map<string, MirroredTask>();
  readonly sources = new Map<string, MirroredSource>();
  readonly #inspector: Inspector;

  constructor(inspector: Inspector) {
    this.#inspector = inspector;
  }

  fingerprint(): Promise<string> {
    return this.#inspector.fingerprint();
  }

  completeThrough(source: string): Promise<number | null> {
    return this.#inspector.completeThrough(source);
  }

  damage(): Promise<string[]> {
    return this.#inspector.damage();
  }

  /** Reads these tasks again, and all that the mirror says about the source. */
  async refresh(source: string, ids: readonly string[]): Promise<void> {
    const rows = new Map((await this.#inspector.rows(ids)).map((row) => [row.task.id, row]));
    for (const id of ids) {
      const row = rows.get(id);
      if (row === undefined) this.tasks.delete(id);
      else this.tasks.set(id, toMirrored(row));
    }
    await this.refreshSource(source);
  }

  async refreshSource(source: string): Promise<void> {
    const state = await this.#inspector.source(source);
    if (state !== null) this.sources.set(source, state);
  }

  /** Returns the ids of tasks that differ from the database: something changed them outside of a commit. */
  async drifted(): Promise<string[]> {
    const rows = (await this.#inspector.rows()).map(toMirrored);
    const changed = rows.filter(({ task, key, isLive }) => {
      const known = this.tasks.get(task.id);
      return known?.key !== key || known.isLive !== isLive;
    });
    return rows.length === this.tasks.size ? changed.map(({ task }) => task.id) : ['(their number)'];
  }
}

function toMirrored({ task, source, isLive }: Row): MirroredTask {
  return { task, key: taskKey(task), detailKey: detailKey(task), source, isLive };
}
