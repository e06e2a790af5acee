import type { RunKind } from '../../model/run.ts';
import { utcText } from '../../model/task.ts';
import type {
  Change,
  Cleared,
  Committed,
  Keep,
  MirrorClaim,
  OpenTask,
  Pruned,
  RunRecord,
  SourceState,
} from '../store.ts';
import { isMadeForReadersSql, makeForReaders } from './for-readers.ts';
import { leftoversOf } from './leftovers.ts';
import type { HeldLease } from './held-lease.ts';
import { leaseCte } from './lease.ts';
import { encodeNul } from './nul.ts';
import { clearOmitted } from './omitted.ts';
import { prune } from './retention.ts';
import { commitStorable } from './set-aside.ts';
import { noteShownCte, giveUpTasks } from './shared-rows.ts';
import { edgeOf } from './source-state.ts';
import { PostgresView, type PostgresViewDeps } from './view.ts';

/** Run records kept of each source: a daemon that runs every other second would fill the disk with more. */
const RUNS_KEPT = 10_000;

export interface PostgresClaimDeps extends PostgresViewDeps {
  schema: string;
  lease: HeldLease;
  /** Id of the run whose record the claim opened. */
  run: number;
  /** The state and the open tasks as they were when the lease was taken. */
  state: SourceState;
  openTasks: OpenTask[];
  /** Fields that are known not to be kept any more. */
  cleared: readonly string[];
  searchIndex: boolean;
  /** Called once the claim is over; `isReleased`: the database has been told. */
  onRelease: (isReleased: boolean) => void;
}

/** A claim on one source's part of the mirror. Every write is fenced by the lease. */
export class PostgresClaim extends PostgresView implements MirrorClaim {
  readonly #deps: PostgresClaimDeps;
  readonly #lease: HeldLease;
  /** What was read with the lease, until the first write; then the database is asked. */
  #before: Pick<PostgresClaimDeps, 'state' | 'openTasks'> | null;
  #kind: RunKind = 'incremental';
  #isReleased = false;
  /** Whether the end of the run found nothing left to prepare for readers. */
  #isPrepared = false;

  constructor(deps: PostgresClaimDeps) {
    super(deps);
    this.#deps = deps;
    this.#lease = deps.lease;
    this.#before = deps;
  }

  override async state(): Promise<SourceState> {
    return this.#before?.state ?? super.state();
  }

  override async openTasks(): Promise<OpenTask[]> {
    return this.#before?.openTasks ?? super.openTasks();
  }

  async startRun(kind: RunKind): Promise<number> {
    const { run } = this.#deps;
    this.#kind = kind;
    // The record begins as one of this kind.
    if (kind === 'incremental') return run;
    await this.#lease.write(
      `with ${leaseCte(this.s)}, kind as (
        update ${this.s}sync_runs set kind = $5 where id = $6 and exists (select from lease)
      ) select exists (select from lease) as held`,
      [kind, run],
    );
    return run;
  }

  async finishRun(runId: number, record: RunRecord): Promise<void> {
    const { outcome, verdict, requests, rowsSeen, inserted, updated, unchanged, removed, rejected, error } =
      record;
    const [row] = await this.#lease.write<{ released: boolean }>(
      `with ${leaseCte(this.s, isMadeForReadersSql(this.#forReaders()))}, finished as (
        update ${this.s}sync_runs set finished_at = $5::timestamptz, outcome = $7, verdict = $8, requests = $9,
          rows_seen = $10, inserted = $11, updated = $12, unchanged = $13, removed = $14, rejected = $15, error = $16
        where id = $6 and exists (select from lease)
      ), pruned as (
        delete from ${this.s}sync_runs where source = $1 and exists (select from lease) and id <= (
          select id from ${this.s}sync_runs where source = $1 order by id desc limit 1 offset ${RUNS_KEPT}
        )
      ), ${noteShownCte(this.s, '$17')}
      select exists (select from lease) as held, (select released from lease) as released`,
      [
        this.#now(),
        runId,
        outcome,
        verdict,
        requests,
        rowsSeen,
        inserted,
        updated,
        unchanged,
        removed,
        rejected,
        error === null ? null : encodeNul(error),
        [...this.shown],
      ],
    );
    this.shown.clear();
    if (row?.released === true) {
      this.#isPrepared = true;
      this.#letGo(true);
    }
  }

  async commit(change: Change): Promise<Committed> {
    this.#before = null;
    const { s, omit, source } = this;
    const deps = { lease: this.#lease, query: this.db.query, s, omit, source };
    const how = { now: this.#now(), isSweep: this.sweep !== null };
    const { rowNumbers, rejectedKeys, ...committed } = await commitStorable(deps, change, how);
    if (this.sweep !== null) {
      this.sweep.markRows(rowNumbers);
      for (const key of rejectedKeys) this.sweep.rejectedKeys.add(key);
      const refused = [...change.rejected, ...committed.setAside];
      await this.markSeen(refused.flatMap(({ id }) => id ?? []));
    }
    return committed;
  }

  async remove(ids: readonly string[]): Promise<number> {
    this.#before = null;
    return giveUpTasks(this.#lease, this.s, {
      source: this.source,
      ids: ids.map(encodeNul),
      now: this.#now(),
      since: this.lookedAfterSince(),
    });
  }

  async forgetUnseenRejections(upTo: number): Promise<void> {
    await this.#lease.write(
      `with ${leaseCte(this.s)}, forgotten as (
        delete from ${this.s}rejected_rows where source = $1 and row_key <> all ($5::text[])
          and coalesce(last_activity_at <= $6::timestamptz, true) and exists (select from lease)
      ) select exists (select from lease) as held`,
      [[...this.swept().rejectedKeys], Number.isFinite(upTo) ? edgeOf(upTo) : null],
    );
  }

  async prepareForReaders(signal: AbortSignal): Promise<void> {
    // After a first run the rows are there to read: the next one builds indexes, which takes about as long.
    if (this.#isPrepared || this.#kind === 'backfill') return;
    await makeForReaders(this.#forReaders(), this.#lease, signal);
  }

  async clearOmitted(signal: AbortSignal): Promise<Cleared> {
    const { db, s, omit } = this;
    const stray = this.#kind === 'reconcile' && (await this.#findStray());
    const left = [...omit].filter((field) => !this.#deps.cleared.includes(field));
    if (left.length === 0 && !stray) return { cleared: [], left };
    return clearOmitted({ db, s, omit, lease: this.#lease, now: () => this.#now() }, signal);
  }

  async prune(keep: Keep, signal: AbortSignal): Promise<Pruned> {
    return prune({ db: this.db, s: this.s, lease: this.#lease }, keep, signal);
  }

  async renew(): Promise<void> {
    await this.#lease.renew();
  }

  override async release(): Promise<void> {
    if (this.#isReleased) return;
    try {
      await this.#lease.release();
    } catch (error) {
      this.#letGo(false);
      throw error;
    }
    this.#letGo(true);
  }

  /** Marks omitted fields as not cleared if values of them were stored after they had been cleared. */
  async #findStray(): Promise<boolean> {
    const found = await leftoversOf(this.db, this.s, [...this.omit]);
    const stray = found.flatMap(({ field, inFreeSpace }) => (inFreeSpace ? [] : [field]));
    if (stray.length === 0) return false;
    const text = `delete from ${this.s}omitted_fields where field = any ($1::text[])`;
    await this.#lease.step((query) => query(text, [stray]));
    return true;
  }

  #letGo(isReleased: boolean): void {
    this.#isReleased = true;
    this.#deps.onRelease(isReleased);
  }

  #forReaders() {
    const { db, schema, searchIndex } = this.#deps;
    return { db, s: this.s, schema, searchIndex };
  }

  #now(): string {
    return utcText(this.clock.now());
  }
}
