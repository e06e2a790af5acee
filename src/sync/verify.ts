import type { ObservedSource, MirrorStore } from '../store/store.ts';
import type { SourceIdentity } from '../model/run.ts';
import type { TaskSource } from '../source/source.ts';
import { FIELDS } from '../model/fields.ts';
import { completeThrough, isMissing, ledgerProblems } from '../model/ledger.ts';
import { activityOf, isOpen, type Task } from '../model/task.ts';
import { counted } from '../model/text.ts';
import { PagesAhead } from './ahead.ts';
import { type Slice, TOP } from './reading.ts';
import { ServedPages } from './served.ts';
import { SingleReads } from './single-reads.ts';
import { unseenIds } from './unseen.ts';
import { walk } from './walk.ts';

/** The findings of `verify` for one source: an object of `verify --json`. Only ever gains fields. */
export interface VerifyReport {
  name: string;
  /** True if nothing is wrong and the whole list was read. */
  ok: boolean;
  requests: number;
  /** Rows of the list that were compared. */
  rowsCompared: number;
  missing: Findings;
  extra: Findings;
  different: Findings;
  /** Differences that only show that the list changed after the last sync. */
  moved: number;
  /** Flaws of the ledger, and reasons why the list was not read whole. */
  problems: string[];
}

/** The count of findings, and the first of them. */
export interface Findings {
  count: number;
  first: { id: string; fields?: string[] }[];
}

export interface VerifyDeps {
  store: MirrorStore;
  source: TaskSource;
}

/** Maximum findings of one kind that are listed; all are counted. */
const FINDINGS_LISTED = 100;
const TASKS_COMPARED_AT_ONCE = 200;

/**
 * Reads the whole list and compares it with the mirror, field by field, without writing. A difference is
 * wrong unless the mirror cannot have known: the row is newer than what is complete, its task was open when
 * last mirrored, or the mirror has caught up meanwhile. Throws the errors of the source and the store.
 */
export async function verifySource(
  identity: SourceIdentity,
  deps: VerifyDeps,
  { signal, ...reading }: { pageSize: number; concurrency: number; signal: AbortSignal },
): Promise<VerifyReport> {
  const mirror = await deps.store.observe(identity);
  const comparison = new Comparison(identity.name, mirror, deps.source, signal);
  await comparison.readList(reading);
  await comparison.findExtra();
  return comparison.report();
}

class Comparison {
  readonly #name: string;
  readonly #mirror: ObservedSource;
  readonly #source: TaskSource;
  readonly #signal: AbortSignal;
  readonly #missing: Findings = { count: 0, first: [] };
  readonly #extra: Findings = { count: 0, first: [] };
  readonly #different: Findings = { count: 0, first: [] };
  readonly #problems: string[] = [];
  #requests = 0;
  #rowsCompared = 0;
  #moved = 0;
  /** Rows that the mirror knows it lacks. */
  #toCome = 0;
  #isWhole = false;

  constructor(name: string, mirror: ObservedSource, source: TaskSource, signal: AbortSignal) {
    this.#name = name;
    this.#mirror = mirror;
    this.#source = source;
    this.#signal = signal;
  }

  async readList({ pageSize, concurrency }: { pageSize: number; concurrency: number }): Promise<void> {
    await this.#mirror.beginSweep();
    const onRequest = () => (this.#requests += 1);
    const served = new ServedPages(this.#source, { pageSize, signal: this.#signal, onRequest });
    const pages = new PagesAhead(served, { concurrency, reach: () => Infinity });
    try {
      await this.#compare(walk((wanted) => pages.read(wanted), TOP));
    } finally {
      await pages.close();
    }
  }

  async #compare(slices: AsyncIterable<Slice>): Promise<void> {
    const suspects = new Map<string, Task>();
    // Pages overlap: a row is compared once.
    let last: ReadonlySet<string> = new Set();
    for await (const { page, doubt, fault, next } of slices) {
      this.#isWhole = next.proven === -Infinity;
      const said = doubt ?? fault;
      if (said !== null) this.#problems.push(said);
      if (page === null) continue;
      const tasks = page.rows.flatMap(({ task }) => (task === undefined || last.has(task.id) ? [] : [task]));
      last = new Set(page.rows.flatMap(({ task }) => task?.id ?? []));
      const rejected = page.rows.flatMap((row) => (row.rejected?.id ? [row.rejected.id] : []));
      await this.#mirror.markSeen([...last, ...rejected]);
      const { insertedIds, updatedIds } = await this.#mirror.preview(tasks);
      const unequal = new Set([...insertedIds, ...updatedIds]);
      for (const task of tasks) if (unequal.has(task.id)) suspects.set(task.id, task);
      this.#rowsCompared += tasks.length;
      if (suspects.size >= TASKS_COMPARED_AT_ONCE) await this.#judge(suspects);
    }
    await this.#judge(suspects);
  }

  /** Compares with the mirror again: a daemon may have caught up while the list was read. */
  async #judge(suspects: Map<string, Task>): Promise<void> {
    const { ledger } = await this.#mirror.state();
    const through = completeThrough(ledger) ?? -Infinity;
    const listed = [...suspects.values()];
    suspects.clear();
    const stored = new Map(
      (await this.#mirror.tasks(listed.map(({ id }) => id))).map((task) => [task.id, task]),
    );
    const { insertedIds, updatedIds } = await this.#mirror.preview(listed);
    const unequal = new Set([...insertedIds, ...updatedIds]);
    for (const task of listed) {
      const known = stored.get(task.id);
      const activity = activityOf(task);
      const isBehind = activity > through || (known !== undefined && isOpen(known));
      const isToCome = known === undefined && (ledger.watermark === null || isMissing(ledger, activity));
      if (!unequal.has(task.id)) this.#moved += 1;
      else if (isToCome) this.#toCome += 1;
      else if (isBehind) this.#moved += 1;
      else if (known === undefined) note(this.#missing, { id: task.id });
      else note(this.#different, { id: task.id, fields: fieldsThatDiffer(known, task) });
    }
  }

  /** Finds rows of the mirror that the list did not show: wrong only if the API does not know them at all. */
  async findExtra(): Promise<void> {
    if (!this.#isWhole) {
      this.#problems.push('the list could not be read to its end, so rows that it lacks are not reported');
      return;
    }
    const onRequest = (): void => void (this.#requests += 1);
    const reads = new SingleReads(this.#source, { signal: this.#signal, onRequest });
    const withheld: string[] = [];
    for await (const ids of unseenIds(this.#mirror)) {
      for (const id of ids) {
        this.#signal.throwIfAborted();
        const [answer] = await reads.read([id]);
        if (answer === null) note(this.#extra, { id });
        else if (answer !== undefined && 'withheld' in answer) withheld.push(answer.withheld);
        else this.#moved += 1;
      }
    }
    const [reason] = withheld;
    if (reason !== undefined) {
      this.#problems.push(
        `the list does not show ${counted(withheld.length, 'mirrored task')}, and the API does not say whether they exist; the first: ${reason}`,
      );
    }
  }

  async report(): Promise<VerifyReport> {
    const { ledger } = await this.#mirror.state();
    this.#problems.push(...ledgerProblems(ledger));
    // A run in progress has a gap as well, and closes it.
    if (this.#toCome > 0 && (ledger.watermark === null || ledger.gaps.length > 0)) {
      this.#problems.push(
        `${this.#toCome} rows are not mirrored yet: the next runs read them, until no gap is left`,
      );
    }
    const wrong = this.#missing.count + this.#extra.count + this.#different.count;
    return {
      name: this.#name,
      ok: wrong === 0 && this.#problems.length === 0,
      requests: this.#requests,
      rowsCompared: this.#rowsCompared,
      missing: this.#missing,
      extra: this.#extra,
      different: this.#different,
      moved: this.#moved,
      problems: this.#problems,
    };
  }
}

function note(findings: Findings, finding: { id: string; fields?: string[] }): void {
  findings.count += 1;
  if (findings.first.length < FINDINGS_LISTED) findings.first.push(finding);
}

function fieldsThatDiffer(mirrored: Task, listed: Task): string[] {
  const fields = FIELDS.flatMap(({ name }) => (mirrored[name] === listed[name] ? [] : [name]));
  // All fields are equal, but a commit would write: the mirror holds the task as removed.
  return fields.length === 0 ? ['removed_at'] : fields;
}
