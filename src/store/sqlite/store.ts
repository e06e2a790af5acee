import { hostname } from 'node:os';
import type Database from 'better-sqlite3';
import { DatabaseError, UsageError } from '../../model/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type {
  Leftover,
  MirrorClaim,
  MirrorStore,
  RetentionState,
  RunSummary,
  SourceStatus,
} from '../store.ts';
import type { SourceIdentity } from '../../model/run.ts';
import { type OmittableField, utcText } from '../../model/task.ts';
import { SqliteClaim, type SqliteClaimDeps } from './claim.ts';
import { withFile } from './failure.ts';
import { identityOf } from './file.ts';
import { type Holder, type Lease, takeLease } from './lease.ts';
import { leftoversOf } from './leftovers.ts';
import { openDatabase } from './open.ts';
import { prepare } from './statement.ts';
import { readRuns, readStatus } from './reader.ts';
import { retentionState } from './retention.ts';
import { createUpserter, type Upserter } from './upsert.ts';
import { Wal } from './wal.ts';

export interface MirrorOptions {
  /** Make the file where there is none. */
  create: boolean;
  clock: Clock;
  /** Fields that never reach the disk. */
  omit: ReadonlySet<OmittableField>;
  /** Keep a full text index of the tasks; true unless given. One that is there is dropped by the next run where false. */
  searchIndex?: boolean;
}

/** Opens the mirror in `file` for writing. Throws DatabaseError where that cannot be done, having written nothing. */
export async function openMirrorStore(file: string, options: MirrorOptions): Promise<MirrorStore> {
  const db = await openDatabase(file, options);
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
  readonly #wal: Wal;
  readonly #file: string | null;

  constructor(deps: MirrorDeps) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#upserter = deps.upserter;
    this.#searchIndex = deps.searchIndex;
    this.#holder = deps.holder;
    this.#wal = new Wal(deps.db);
    this.#file = identityOf(deps.db.name);
  }

  async claim(source: SourceIdentity): Promise<MirrorClaim> {
    this.#assertInPlace();
    const take = this.#db.transaction(() => {
      this.#register(source);
      return takeLease(this.#db, source.name, this.#holder, this.#clock);
    });
    const lease = withFile(this.#db.name, () => take.immediate());
    const claim = this.#claimUnder(source, lease, (did) => {
      this.#claims.delete(claim);
      this.#wal.settle(did);
    });
    this.#claims.add(claim);
    return claim;
  }

  async observe(source: SourceIdentity): Promise<MirrorClaim> {
    const known = withFile(this.#db.name, () => this.#baseUrlOf(source.name));
    if (known !== undefined) assertSameList(source, known);
    const none: Lease = {
      run: 0,
      hold: () => {
        throw new Error(`source "${source.name}" is only observed: nothing may be written`);
      },
      release: () => {},
    };
    return this.#claimUnder(source, none, () => {});
  }

  async status(): Promise<SourceStatus[]> {
    return withFile(this.#db.name, () => readStatus(this.#db));
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

  /** SQLite goes on with a file that was deleted or replaced: all would look well, and nobody would ever see a row. */
  #assertInPlace(): void {
    const file = this.#db.name;
    const found = identityOf(file);
    if (found === this.#file) return;
    throw new DatabaseError(
      'database_replaced',
      { file },
      `${file} was ${found === null ? 'deleted or moved away' : 'replaced by another file'} while it was open; nothing was written`,
    );
  }

  #claimUnder(source: SourceIdentity, lease: Lease, onRelease: SqliteClaimDeps['onRelease']): MirrorClaim {
    return new SqliteClaim({
      db: this.#db,
      source: source.name,
      lease,
      onRelease,
      upserter: this.#upserter,
      clock: this.#clock,
      searchIndex: this.#searchIndex,
    });
  }

  #register(source: SourceIdentity): void {
    const { name, baseUrl } = source;
    const known = this.#baseUrlOf(name);
    if (known === undefined) {
      prepare<{ name: string; base_url: string; now: string }, never>(this.#db, (q, p) =>
        q.insertInto('sources').values({ name: p('name'), base_url: p('base_url'), registered_at: p('now') }),
      ).run({ name, base_url: baseUrl, now: utcText(this.#clock.now()) });
      return;
    }
    assertSameList(source, known);
    if (known === baseUrl) return;
    prepare<{ name: string; to: string }, never>(this.#db, (q, p) =>
      q
        .updateTable('sources')
        .set({ base_url: p('to') })
        .where('name', '=', p('name')),
    ).run({ name, to: baseUrl });
  }

  #baseUrlOf(name: string): string | undefined {
    return prepare<{ name: string }, { base_url: string }>(this.#db, (q, p) =>
      q.selectFrom('sources').select('base_url').where('name', '=', p('name')),
    ).get({ name })?.base_url;
  }
}

/** A local simulated API gets another port with each start; any other new address is rather a mistake. */
function assertSameList({ name, baseUrl }: SourceIdentity, known: string): void {
  if (known === baseUrl || (isLoopback(known) && isLoopback(baseUrl))) return;
  throw new UsageError(
    'source_elsewhere',
    { source: name, known, given: baseUrl },
    `source "${name}" of this mirror is a copy of ${known}, but the settings say ${baseUrl}`,
  );
}

function isLoopback(url: string): boolean {
  const { hostname: host } = new URL(url);
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}

function thisProcess(clock: Clock): Holder {
  return {
    pid: process.pid,
    host: hostname(),
    startedAt: clock.now() - process.uptime() * 1_000,
    isAlive(pid) {
      try {
        process.kill(pid, 0);
        return true;
      } catch (error) {
        // EPERM: it lives, but belongs to somebody else.
        return error instanceof Error && 'code' in error && error.code === 'EPERM';
      }
    },
  };
}
