import type { Clock } from '../../model/clock.ts';
import type { LastRuns, SourceIdentity } from '../../model/run.ts';
import { type OmittableField, utcText } from '../../model/task.ts';
import { type Holder, thisProcess } from '../sql/holder.ts';
import { assertSameList } from '../sql/same-list.ts';
import type { Forgotten, MirrorClaim, MirrorReader, MirrorStore, ObservedSource } from '../store.ts';
import { PostgresClaim } from './claim.ts';
import { connect, type Database } from './connection.ts';
import { isPassing } from './failure.ts';
import { HeldLease } from './held-lease.ts';
import { assertVersion, SCHEMA_VERSION, versionOf } from './identity.ts';
import { deadToken, heldError, readLease, type Taken, takeLease } from './lease.ts';
import { prefixOf } from './names.ts';
import { readerOf, readLastRuns } from './reader.ts';
import { assertKnown, baseUrlOf, forget, move, rename } from './sources.ts';
import type { PostgresTarget } from './target.ts';
import { PostgresView } from './view.ts';

/** Attempts at a lease that others took and gave back in the meantime. */
const ATTEMPTS = 20;

export interface MirrorOptions {
  /** Make the mirror if there is none. */
  create: boolean;
  clock: Clock;
  /** Fields that never reach the database. */
  omit: ReadonlySet<OmittableField>;
  /** Keep a full text index of the tasks; default true. If false, the next run drops an existing one. */
  searchIndex?: boolean;
  /** The ms by which the leases' clock is ahead of the database's: for tests. */
  leaseOffset?: () => number;
}

/** Opens the mirror of a database for writing. Throws DatabaseError if that fails. */
export async function openPostgresStore(
  target: PostgresTarget,
  options: MirrorOptions,
): Promise<MirrorStore> {
  return openStoreOn(connect(target), target.schema, options);
}

/**
 * Opens the mirror to plan runs: migrates and writes nothing. Throws DatabaseError, also if there is no mirror
 * or one of another version.
 */
export async function openPostgresToLook(
  target: PostgresTarget,
  options: Omit<MirrorOptions, 'create'>,
): Promise<MirrorStore> {
  const db = await openChecked(target);
  return new PostgresMirror(db, target.schema, { ...options, create: false });
}

/** Opens the mirror for reading, as a role that may not write. Throws DatabaseError. */
export async function openPostgresReader(target: PostgresTarget): Promise<MirrorReader> {
  const holder = thisProcess({ now: () => Date.now() });
  return readerOf({ db: await openChecked(target), s: prefixOf(target.schema), holder });
}

async function openChecked(target: PostgresTarget): Promise<Database> {
  const db = connect(target);
  try {
    assertVersion(db, target.schema, await versionOf(db, target.schema));
    return db;
  } catch (error) {
    await db.end();
    throw error;
  }
}

/** @internal */
export async function openStoreOn(
  db: Database,
  schema: string,
  options: MirrorOptions,
): Promise<MirrorStore> {
  try {
    const version = await versionOf(db, schema);
    if (version < SCHEMA_VERSION && (version > 0 || options.create)) {
      const { migrate } = await import('./migrate.ts');
      await migrate(db, schema);
    } else assertVersion(db, schema, version);
  } catch (error) {
    await db.end();
    throw error;
  }
  return new PostgresMirror(db, schema, options);
}

class PostgresMirror implements MirrorStore {
  readonly #db: Database;
  readonly #schema: string;
  readonly #s: string;
  readonly #options: MirrorOptions;
  readonly #holder: Holder;
  readonly #reader: MirrorReader;
  readonly #claims = new Set<MirrorClaim>();
  /** Tokens of claims that are over, by source: the database was away, and could not be told. */
  readonly #abandoned = new Map<string, string>();
  #isClosed = false;

  constructor(db: Database, schema: string, options: MirrorOptions) {
    this.#db = db;
    this.#schema = schema;
    this.#s = prefixOf(schema);
    this.#options = options;
    this.#holder = thisProcess(options.clock);
    const { leaseOffset: offset } = options;
    this.#reader = readerOf({ db, s: this.#s, holder: this.#holder, offset });
  }

  async claim(source: SourceIdentity): Promise<MirrorClaim> {
    return this.#claimWith(source, await this.#take(source));
  }

  async claimUnless(
    source: SourceIdentity,
    isDone: (runs: LastRuns) => boolean,
  ): Promise<MirrorClaim | null> {
    const readRuns = (): Promise<LastRuns> => readLastRuns(this.#db, this.#s, source.name);
    const runs = await readRuns();
    if (isDone(runs)) return null;
    const taken = await this.#take(source);
    // Another process may have run it between the two statements.
    if (taken.before === runs.newest || !isDone(await readRuns())) return this.#claimWith(source, taken);
    await this.#dropRun(taken.run);
    await this.#leaseOf(source.name, taken.token, taken.writes).release();
    return null;
  }

  #claimWith(
    source: SourceIdentity,
    { token, run, writes, state, openTasks, cleared }: Taken & { token: string },
  ): MirrorClaim {
    const { searchIndex = true } = this.#options;
    const claim: MirrorClaim = new PostgresClaim({
      ...this.#viewDeps(source),
      schema: this.#schema,
      lease: this.#leaseOf(source.name, token, writes),
      run,
      state,
      openTasks,
      cleared,
      searchIndex,
      onRelease: (isReleased) => {
        this.#claims.delete(claim);
        if (!isReleased) this.#abandoned.set(source.name, token);
      },
    });
    this.#claims.add(claim);
    return claim;
  }

  async observe(source: SourceIdentity): Promise<ObservedSource> {
    const known = await baseUrlOf(this.#db.query, this.#s, source.name);
    if (known !== null) assertSameList(source, known);
    return new PostgresView(this.#viewDeps(source));
  }

  async renameSource(name: string, to: string): Promise<void> {
    await this.#administer(name, (lease) => lease.step((query) => rename(query, this.#s, name, to)));
  }

  async moveSource(name: string, baseUrl: string): Promise<void> {
    await this.#administer(name, (lease) => lease.step((query) => move(query, this.#s, name, baseUrl)));
  }

  async forgetSource(
    name: string,
    { removeTasks, signal }: { removeTasks: boolean; signal?: AbortSignal },
  ): Promise<Forgotten> {
    const now = utcText(this.#options.clock.now());
    return this.#administer(name, (lease) =>
      forget({ db: this.#db, s: this.#s, lease, now }, name, { removeTasks, signal }),
    );
  }

  status: MirrorStore['status'] = () => this.#reader.status();
  recentRuns: MirrorStore['recentRuns'] = (limit) => this.#reader.recentRuns(limit);
  retention: MirrorStore['retention'] = () => this.#reader.retention();
  leftovers: MirrorStore['leftovers'] = (fields) => this.#reader.leftovers(fields);

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // A lease that cannot be given back runs out by itself.
    for (const claim of [...this.#claims]) await claim.release().catch(() => undefined);
    for (const [source, token] of this.#abandoned) {
      await this.#leaseOf(source, token, 0)
        .release()
        .catch(() => undefined);
    }
    await this.#db.end();
  }

  async #take(source: SourceIdentity): Promise<Taken & { token: string }> {
    const { clock, leaseOffset = () => 0 } = this.#options;
    let dead = this.#abandoned.get(source.name) ?? null;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const deps = {
        db: this.#db,
        s: this.#s,
        holder: this.#holder,
        now: utcText(clock.now()),
        offset: leaseOffset(),
      };
      const taken = await takeLease(deps, source, { version: SCHEMA_VERSION, dead }).catch(
        (error: unknown) => {
          if (attempt === ATTEMPTS || !isPassing(error)) throw error;
          return null;
        },
      );
      if (taken === null) continue;
      if (taken.token !== null) {
        this.#abandoned.delete(source.name);
        return { ...taken, token: taken.token };
      }
      if (taken.version !== SCHEMA_VERSION) {
        assertVersion(this.#db, this.#schema, await versionOf(this.#db, this.#schema));
      }
      if (taken.base_url !== null && taken.base_url !== source.baseUrl) {
        assertSameList(source, taken.base_url);
        await move(this.#db.query, this.#s, source.name, source.baseUrl);
        continue;
      }
      const lease = await readLease(this.#db.query, this.#s, source.name);
      if (lease === undefined) continue;
      const found = deadToken(lease, this.#holder);
      if (found === null || found === dead) throw heldError(source.name, lease);
      dead = found;
    }
    throw new Error(`The lease of source "${source.name}" kept changing hands.`);
  }

  /** Runs `work`, which renames, moves or forgets a source, under its lease. */
  async #administer<T>(name: string, work: (lease: HeldLease) => Promise<T>): Promise<T> {
    await assertKnown(this.#db.query, this.#s, name);
    const baseUrl = (await baseUrlOf(this.#db.query, this.#s, name)) ?? '';
    const { token, writes, run } = await this.#take({ name, baseUrl });
    const lease = this.#leaseOf(name, token, writes);
    try {
      // The work is no run of the source.
      await this.#dropRun(run);
      return await work(lease);
    } finally {
      await lease.release();
    }
  }

  async #dropRun(id: number): Promise<void> {
    await this.#db.query(`delete from ${this.#s}sync_runs where id = $1`, [id]);
  }

  #leaseOf(source: string, token: string, writes: number): HeldLease {
    const offset = this.#options.leaseOffset ?? (() => 0);
    return new HeldLease({ db: this.#db, schema: this.#schema, source, token, writes, offset });
  }

  #viewDeps({ name }: SourceIdentity) {
    const { omit, clock } = this.#options;
    return { db: this.#db, s: this.#s, source: name, omit, clock };
  }
}
