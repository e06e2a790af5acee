import { SimulatedList } from '../../../src/source/simulated/list.ts';
import { tasksApart } from '../tasks.ts';

/** What a worker does, and when it is hit. */
export interface Orders {
  url: string;
  schema: string;
  tasks: number;
  /**
   * At the statement of this number that writes a source: it dies before, after it was sent, or once it is
   * answered; or it says so and waits for `resume`.
   */
  at: number;
  how: 'before' | 'sent' | 'answered' | 'wait';
}

/** What a worker sends. */
export type Told = { what: 'waits' } | { what: 'ended'; failure: string | null; outcome: string };

/** The list that the worker copies. */
export function workersList(tasks: number): SimulatedList {
  return new SimulatedList(tasksApart(tasks, 60_000));
}
