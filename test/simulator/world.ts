import type { ListRow } from '../../src/source/source.ts';
import type { RejectedRow } from '../../src/model/task.ts';
import { activityOf, type Task, type TaskDetail } from '../../src/model/task.ts';
import { detailKey, detailOf, rejectionKey, taskKey } from './keys.ts';

/**
 * How the API garbles a row: `count` and `time` only in the list (an unreadable messageCount or
 * lastActivityAt), `unnamed` also removes the id there, `broken` is bad in the list and for GET.
 */
export type Flaw = 'count' | 'time' | 'unnamed' | 'broken';

/** How a row came to its place. */
export type Arrival = 'new' | 'late' | 'rose' | 'sank' | 'returned';

/** One state of one task, as the API would show it. */
export interface Version {
  readonly id: string;
  /** Its place in the list, in ms, whether a reader can see that or not. */
  readonly activity: number;
  readonly task: Task;
  readonly flaw: Flaw | null;
  readonly row: ListRow;
  readonly detail: TaskDetail | { rejected: RejectedRow };
  /** The row_key of its rejection; null if the list shows it whole. */
  readonly rejection: string | null;
  /** First moment of this version, at its latest appearance. */
  since: number;
  /** First moment at which it was no longer this; Infinity while it is. */
  until: number;
  /** Whether a list answer has shown it. */
  listed: boolean;
  /** Where it is sorted, in ms: by its activity, unless the server has it in the wrong place. */
  place: number;
  /** The state that GET shows; shared by versions that differ only in what the list alone shows. */
  readonly shared: Detail;
}

/** One state of what GET shows of a task: when it ended, and whether an answer has shown it. */
export interface Detail {
  until: number;
  got: boolean;
}

/** Everything known about one task of the list, vanished ones included. */
export interface Row {
  readonly id: string;
  /** Null while it has vanished. */
  current: Version | null;
  /** Since these moments it has been there without a break, and in its place without a move. */
  presentSince: number;
  placedSince: number;
  arrival: Arrival;
  /** Place among its ties: higher ones come first. */
  sequence: number;
  /** Its moves from one place to another. */
  readonly moves: { moment: number; to: number }[];
  readonly byTask: Map<string, Version>;
  readonly byDetail: Map<string, Detail>;
}

/** The order of rows with the same activity; `shuffled`: a new one with every answer. */
export type TieOrder = 'stable' | 'reversed' | 'shuffled';

/** A list as one key sees it. */
export interface List {
  /** Time is counted in moments: one for each change. */
  readonly moment: number;
  /** Rows at the last answer, which a total that lags behind reports. */
  lastTotal: number | null;
  /** The moment of the oldest list that an answer has shown late; Infinity if none has. */
  oldest: number;
  readonly rows: ReadonlyMap<string, Row>;
  /** Returns the list as it is; the array is never changed afterwards. */
  inOrder(): readonly Version[];
  /** Returns the list as it was `changes` changes ago, or at its beginning, and the moment of that. */
  past(changes: number): { moment: number; order: readonly Version[] };
}

/** The simulated list, with its whole past. */
export class World implements List {
  moment = 0;
  lastTotal: number | null = null;
  oldest = Infinity;
  readonly rows = new Map<string, Row>();
  readonly tieOrder: TieOrder;
  #order: readonly Version[] | null = null;
  #sequence = 0;
  readonly #past: { moment: number; order: readonly Version[] }[] = [];

  constructor(tieOrder: TieOrder) {
    this.tieOrder = tieOrder;
  }

  inOrder(): readonly Version[] {
    this.#order ??= [...this.rows.values()]
      .flatMap(({ current, sequence }) => (current === null ? [] : [{ current, sequence }]))
      .toSorted((a, b) => b.current.place - a.current.place || b.sequence - a.sequence)
      .map(({ current }) => current);
    return this.#order;
  }

  past(changes: number): { moment: number; order: readonly Version[] } {
    return (
      this.#past[Math.max(0, this.#past.length - changes)] ?? { moment: this.moment, order: this.inOrder() }
    );
  }

  /** Puts a row among rows of another activity (ms). */
  misplace(version: Version, place: number): void {
    this.#change();
    this.#moveTo(version, place);
  }

  /** Puts every row back where it belongs. */
  sortOut(): void {
    const wrong = this.inOrder().filter(({ place, activity }) => place !== activity);
    if (wrong.length > 0) this.#change();
    for (const version of wrong) this.#moveTo(version, version.activity);
  }

  vanished(): Row[] {
    return [...this.rows.values()].filter(({ current }) => current === null);
  }

  /** Puts the task in, or replaces it with another version. At the same activity it keeps its place. */
  put(task: Task, flaw: Flaw | null, arrival: Arrival): void {
    this.#change();
    const activity = activityOf(task);
    const row = this.rows.get(task.id) ?? this.#newRow(task.id, arrival);
    const before = row.current;
    if (before === null) row.presentSince = this.moment;
    else end(before, this.moment);
    if (before?.activity !== activity) {
      row.placedSince = this.moment;
      row.arrival = arrival;
      row.sequence = this.#nextSequence();
      if (before !== null) row.moves.push({ moment: this.moment, to: activity });
    }
    row.current = this.#versionOf(row, task, flaw);
    if (before?.activity === activity) row.current.place = before.place;
  }

  vanish(id: string): void {
    const row = this.rows.get(id);
    if (row === undefined || row.current === null) return;
    this.#change();
    end(row.current, this.moment);
    row.current = null;
  }

  /** Moves a row; from then on it was not in its place all the time. */
  #moveTo(version: Version, place: number): void {
    version.place = place;
    const row = this.rows.get(version.id);
    if (row === undefined) return;
    row.placedSince = this.moment;
    row.arrival = 'late';
    row.moves.push({ moment: this.moment, to: place });
  }

  /** Lets a moment go by in which something changed that is not a row of the list. */
  pass(): void {
    this.#change();
  }

  #change(): void {
    this.#past.push({ moment: this.moment, order: this.inOrder() });
    this.moment += 1;
    this.#order = null;
  }

  #nextSequence(): number {
    this.#sequence += 1;
    return this.tieOrder === 'reversed' ? -this.#sequence : this.#sequence;
  }

  #newRow(id: string, arrival: Arrival): Row {
    const row: Row = {
      id,
      current: null,
      presentSince: this.moment,
      placedSince: this.moment,
      arrival,
      sequence: 0,
      moves: [],
      byTask: new Map(),
      byDetail: new Map(),
    };
    this.rows.set(id, row);
    return row;
  }

  #versionOf(row: Row, task: Task, flaw: Flaw | null): Version {
    const key = `${flaw ?? ''}${taskKey(task)}`;
    const version = row.byTask.get(key) ?? this.#newVersion(row, task, flaw);
    row.byTask.set(key, version);
    version.place = version.activity;
    version.since = this.moment;
    version.until = Infinity;
    version.shared.until = Infinity;
    return version;
  }

  #newVersion(row: Row, task: Task, flaw: Flaw | null): Version {
    const rejected = flaw === null ? null : rejectedRow(task, flaw);
    const known = flaw === 'broken' ? undefined : row.byDetail.get(detailKey(task));
    const shared = known ?? { until: Infinity, got: false };
    if (flaw !== 'broken') row.byDetail.set(detailKey(task), shared);
    return {
      id: task.id,
      activity: activityOf(task),
      place: activityOf(task),
      task,
      flaw,
      row:
        rejected === null
          ? { task, activity: activityOf(task) }
          : { rejected, activity: readable(task, flaw) },
      detail: flaw === 'broken' && rejected !== null ? { rejected } : detailOf(task),
      rejection: rejected === null ? null : rejectionKey(rejected),
      since: this.moment,
      until: Infinity,
      listed: false,
      shared,
    };
  }
}

function end(version: Version, moment: number): void {
  version.until = moment;
  version.shared.until = moment;
}

function readable(task: Task, flaw: Flaw | null): number | null {
  return flaw === 'time' || flaw === 'unnamed' ? null : activityOf(task);
}

function rejectedRow(task: Task, flaw: Flaw): RejectedRow {
  const id = flaw === 'unnamed' ? null : task.id;
  return { id, payload: JSON.stringify({ ...task, id, flaw }), reason: `simulated: ${flaw}` };
}
