import type { OmittableField, Task } from '../../model/task.ts';
import { derive, JOURNALED } from '../sql/columns.ts';
import { BinaryArray } from './binary.ts';
import { type Column, WRITTEN_COLUMNS } from './columns.ts';
import { encodeNul } from './nul.ts';

/** The type of an array of a column's values: JSON goes as text, since it is compared as text. */
const ARRAY_OF: Readonly<Record<Column['type'], string>> = {
  text: 'text[]',
  'timestamptz(3)': 'timestamptz[]',
  boolean: 'boolean[]',
  bigint: 'bigint[]',
  json: 'text[]',
};

/**
 * Returns the CTE `incoming` of {@link IncomingTasks.values}, the placeholders from `first` on: the columns of a task
 * and `n`, its place, from 1.
 *
 * Of a JSON array the planner expects 100 elements, whatever it has. Of arrays that it sees, which a `select` keeps
 * it from, it would know how many they are, and then read all tasks of the mirror to find some thousand by their ids.
 */
export function incomingCte(first: number, condition = ''): string {
  const arrays = WRITTEN_COLUMNS.map(
    ({ type }, at) => `unnest((select $${first + 1 + at}::${ARRAY_OF[type]}))`,
  );
  return `incoming as materialized (
    select i.* from rows from (
      json_array_elements_text($${first}::json),
      ${arrays.join(', ')}
    ) with ordinality as i(id, ${WRITTEN_COLUMNS.map(({ name }) => name).join(', ')}, n) ${condition}
  )`;
}

/** The tasks of one statement, column by column. The server reads that in a third of the time of JSON. */
export class IncomingTasks {
  /** Where each task is in its batch. */
  readonly #places: number[] = [];
  readonly #omit: ReadonlySet<OmittableField>;
  readonly #ids: string[] = [];
  readonly #columns = WRITTEN_COLUMNS.map(({ type }) => new BinaryArray(type));

  constructor(omit: ReadonlySet<OmittableField>) {
    this.#omit = omit;
  }

  /** Adds a task, without its omitted fields, that is at this place in its batch. */
  add(task: Task, place: number): void {
    const kept = this.#omit.size === 0 ? task : { ...task, ...nothingOf(this.#omit) };
    this.#places.push(place);
    this.#ids.push(encodeNul(task.id));
    const { error_group, queue_ms, run_ms } = derive(kept);
    const derived = [error_group, queue_ms, run_ms];
    for (const [at, column] of this.#columns.entries()) {
      const field = JOURNALED[at];
      column.add(field === undefined ? (derived[at - JOURNALED.length] ?? null) : kept[field.name]);
    }
  }

  /** Bytes of all columns but the ids. */
  get bytes(): number {
    return this.#columns.reduce((sum, { length }) => sum + length, 0);
  }

  /** Returns the places in the batch of the tasks that the statement has named, like `1,2,3`. */
  placesOf(named: string | null): number[] {
    return numbersIn(named).flatMap((n) => this.#places[n - 1] ?? []);
  }

  /** Values for {@link incomingCte}. */
  values(): unknown[] {
    return [JSON.stringify(this.#ids), ...this.#columns.map(({ written }) => written)];
  }
}

/** Returns the numbers of a text like `1,2,3`. */
export function numbersIn(list: string | null): number[] {
  return list === null || list === '' ? [] : list.split(',').map(Number);
}

function nothingOf(omit: ReadonlySet<OmittableField>): Partial<Task> {
  return Object.fromEntries([...omit].map((name) => [name, null]));
}
