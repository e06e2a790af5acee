import type Database from 'better-sqlite3';
import type { Clock } from '../../model/clock.ts';
import type {
  Forgotten,
  Leftover,
  MirrorClaim,
  MirrorStore,
  ObservedSource,
  RetentionState,
  RunSummary,
  SourceStatus,
} from '../store.ts';
import type { LastRuns, SourceIdentity } from '../../model/run.ts';
import { type OmittableField, utcText } from '../../model/task.ts';
import { SqliteClaim } from './claim.ts';
import { withFile } from './failure.ts';
import { assertInPlace, identityOf } from './file.ts';
import { type Holder, thisProcess } from '../sql/holder.ts';
import { beginForgetting, finishForgetting } from './forget.ts';
import { assertFree, type Lease, takeLease } from './lease.ts';
import { leftoversOf } from './leftovers.ts';
import { openDatabase } from './open.ts';
import { openReadOnly } from './readonly.ts';
import { readLastRuns, readRuns, readStatus } from './reader.ts';
import { retentionState } from './retention.ts';
import { type Sources, sourcesOf } from './sources.ts';
import { createUpserter, type Upserter } from './upsert.ts';
import { SqliteView, type SqliteViewDeps } from './view.ts';
import { Wal } from './wal.ts';

export interface MirrorOptions {
  /** Make the file if there is none. */
  create: boolean;
  clock: Clock;
  /** Fields that never reach the disk. */
  omit: ReadonlySet<OmittableField>;
  /** Keep a full text index of the tasks; default true. If false, the next run drops an existing one. */
  searchIndex?: boolean;
}

/** Opens the mirror in `file` for writing. Throws DatabaseError if that fails, having written nothing. */
export async function openMirrorStore(file: string, options: MirrorOptions): Promise<MirrorStore> {
  return mirrorOf(await openDatabase(file, options), options);
}

/**
 * Opens the mirror in `file` to plan runs: migrates and writes nothing. Its claims fail. Throws DatabaseError
 * as a reader does, for an older schema too.
 */
export async function openMirrorToLook(
  file: string,
  options: Pick<MirrorOptions, 'clock' | 'omit'>,
): Promise<MirrorStore> {
  return mirrorOf(openReadOnly(file), options);
}

function mirrorOf(db: Database.Database, options: Omit<MirrorOptions, 'create'>): MirrorStore {
  const { clock, omit, searchIndex = true } = options;
  return new SqliteMirror({
    db,
    clock,
    searchIndex,
    upserter: createUpserter(db, omit),
    holder: thisProcess(clock),
  });
}

interface MirrorDeps {
  db: Database.Database;
  clock: Clock;
  upserter: Upserter;
  searchIndex: boolean;
  holder: Holder;
}

class SqliteMirror implements MirrorStore {
  readonly #db: Database.Database;
  readonly #clock: Clock;
  readonly #upserter: Upserter;
  readonly #searchIndex: boolean;
  readonly #holder: Holder;
  readonly #claims = new Set<MirrorClaim>();
  readonly #sources: Sources;
  readonly #wal: Wal;
  readonly #file: string | null;

  constructor(deps: MirrorDeps) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#upserter = deps.upserter;
    this.#searchIndex = deps.searchIndex;
    this.#holder = deps.holder;
    this.#sources = sourcesOf(deps.db);
    this.#wal = new Wal(deps.db);
    this.#file = identityOf(deps.db.name);
  }

  async claim(source: SourceIdentity): Promise<MirrorClaim> {
    this.#assertInPlace();
    const take = this.#db.transaction(() => this.#take(source));
    return this.#claimWith(
      source,
      withFile(this.#db.name, () => take.immediate()),
    );
  }

  async claimUnless(
    source: SourceIdentity,
    isDone: (runs: LastRuns) => boolean,
  ): Promise<MirrorClaim | null> {
    this.#assertInPlace();
    const done = (): boolean => isDone(readLastRuns(this.#db, source.name));
    const take = this.#db.transaction(() => (done() ? null : this.#take(source)));
    // A look first: the transaction would make others wait.
    const lease = withFile(this.#db.name, () => (done() ? null : take.immediate()));
    return lease === null ? null : this.#claimWith(source, lease);
  }

  /** Call inside a transaction. */
  #take(source: SourceIdentity): Lease {
    this.#sources.register(source, utcText(this.#clock.now()));
    return takeLease(this.#db, source.name, this.#holder, this.#clock);
  }

  #claimWith(source: SourceIdentity, lease: Lease): MirrorClaim {
    const claim: MirrorClaim = new SqliteClaim({
      ...this.#viewDeps(source),
      lease,
      searchIndex: this.#searchIndex,
      onRelease: (did) => {
        this.#claims.delete(claim);
        this.#wal.settle(did);
      },
    });
    this.#claims.add(claim);
    return claim;
  }

  async observe(source: SourceIdentity): Promise<ObservedSource> {
    withFile(this.#db.name, () => this.#sources.knows(source));
    return new SqliteView(this.#viewDeps(source));
  }

  async renameSource(name: string, to: string): Promise<void> {
    this.#administer(name, () => this.#sources.rename(name, to));
  }

  async moveSource(name: string, baseUrl: string): Promise<void> {
    this.#administer(name, () => this.#sources.move(name, baseUrl));
  }

  async forgetSource(
    name: string,
    { removeTasks, signal }: { removeTasks: boolean; signal?: AbortSignal },
  ): Promise<Forgotten> {
    const db = this.#db;
    const lease = this.#administer(name, () => {
      beginForgetting(db, name, { removeTasks });
      return takeLease(db, name, this.#holder, this.#clock);
    });
    try {
      const parts = { db, upserter: this.#upserter, clock: this.#clock, lease };
      return await finishForgetting(parts, name, signal);
    } finally {
      withFile(db.name, () => {
        lease.release();
        this.#wal.settle({ wrote: true });
      });
    }
  }

  async status(): Promise<SourceStatus[]> {
    return withFile(this.#db.name, () => readStatus(this.#db, this.#holder, this.#clock.now()));
  }

  async recentRuns(limit: number): Promise<RunSummary[]> {
    return withFile(this.#db.name, () => readRuns(this.#db, limit));
  }

  async retention(): Promise<RetentionState> {
    return withFile(this.#db.name, () => retentionState(this.#db));
  }

  async leftovers(fields: readonly OmittableField[]): Promise<Leftover[]> {
    return withFile(this.#db.name, () => leftoversOf(this.#db, fields));
  }

  async close(): Promise<void> {
    if (!this.#db.open) return;
    try {
      for (const claim of this.#claims) await claim.release();
    } finally {
      this.#db.close();
    }
  }

  #assertInPlace(): void {
    assertInPlace(this.#db.name, this.#file, 'while it was open; nothing was written');
  }

  #viewDeps({ name }: SourceIdentity): SqliteViewDeps {
    return { db: this.#db, source: name, upserter: this.#upserter, clock: this.#clock };
  }

  /** Runs `work`, which changes what a source's name stands for, in one transaction, unless a run holds it. */
  #administer<T>(name: string, work: () => T): T {
    this.#assertInPlace();
    const transaction = this.#db.transaction(() => {
      this.#sources.assertKnown(name);
      assertFree(this.#db, name, this.#holder, this.#clock);
      return work();
    });
    const done = withFile(this.#db.name, () => transaction.immediate());
    this.#wal.settle({ wrote: true });
    return done;
  }
}
