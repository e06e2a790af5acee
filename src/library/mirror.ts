import type { Clock } from '../model/clock.ts';
import { UsageError } from '../model/errors.ts';
import type { Log } from '../model/log.ts';
import type { TaskSource } from '../source/source.ts';
import type { Feed } from '../store/feed.ts';
import type { Queryable } from '../store/queryable.ts';
import type { MirrorReader, MirrorStore, SourceStatus } from '../store/store.ts';
import { runOptions } from '../sync/options.ts';
import type { SyncReport } from '../sync/report.ts';
import { syncSource } from '../sync/sync.ts';
import { Changes, type ChangesOptions, type TaskChange } from './changes.ts';
import { type CheckedSyncOptions, checkSyncOptions, type SyncOptions } from './options.ts';
import { Queries, type Query, type QueryParameters, type Row } from './query.ts';
import { noteReport } from './reported.ts';

/** A mirror that is open for reading only. Other processes may go on writing to it. */
export interface ReadOnlyMirror extends AsyncDisposable {
  /**
   * Prepares one read-only statement: SELECT, WITH, VALUES or EXPLAIN. It runs when its rows are asked for:
   *
   *     for await (const row of mirror.query('select id from tasks where status = :status', { status: 'failed' })) ...
   *     const rows = await mirror.query('select count(*) as n from tasks').all();
   *
   * The rows are read as the loop asks for them, in constant memory, and all come from one snapshot, that of
   * the first row. Leave the loop to stop early. `R` is the assumed type of a row; nothing checks it. A
   * statement that computes for long before its next row blocks the process: SQLite works in its thread.
   *
   * The loop throws UsageError for SQL that is refused or wrong, for parameters that do not fit it, and for
   * two columns of one name; DatabaseError if the file is at fault; InterruptedError if the mirror is closed
   * meanwhile.
   */
  query<R extends object = Row>(sql: string, parameters?: QueryParameters): Query<R>;
  /**
   * Returns the status of every source, by name: what is mirrored, how fresh it is, what is not proven.
   * Throws DatabaseError.
   */
  status(): Promise<SourceStatus[]>;
  /**
   * Loops over the tasks that changed, in the order of their last change, each once, as it is now:
   *
   *     for await (const { seq, event, task } of mirror.changes({ since: 4711 })) ...
   *
   * With `follow`, it waits for more, from whatever process they come. The `seq` of the last one is the number
   * to go on from. What it costs, and what it promises: docs/feed.md.
   *
   * The loop throws UsageError for a number that the mirror has not reached, DatabaseError, and
   * InterruptedError if `signal` aborts or the mirror is closed. This throws UsageError for invalid options.
   */
  changes(options?: ChangesOptions): AsyncIterable<TaskChange>;
  /** Ends all work in progress, and releases the file. Safe to call twice. `await using` calls it. */
  close(): Promise<void>;
}

/** A mirror that is open for writing. Other processes may read it, and write other sources, meanwhile. */
export interface Mirror extends ReadOnlyMirror {
  /**
   * Runs one sync of one source, as `taskmirror sync` does. Returns the counts of the run: with the outcome
   * `partial`, rows were rejected or a step stayed unproven, and the next run tries again. Several sources
   * may be synced at once.
   *
   * Throws the failure of the run: KeyRefusedError, ApiFailedError, LeaseHeldError (another sync of this
   * source is in progress), SafetyStopError (it would have removed too much), DatabaseError, InterruptedError
   * (`signal`, or `close`), all of them a TaskmirrorError. What it had committed stays; `reportOf` has the
   * report. Throws UsageError for invalid options.
   */
  sync(options: SyncOptions): Promise<SyncReport>;
}

/** What reads a mirror, each on a connection of its own. */
export interface Reading {
  openForQuery: () => Promise<Queryable>;
  openFeed: () => Promise<Feed>;
}

/** A mirror that is open for reading. */
export class OpenReader implements ReadOnlyMirror {
  readonly #reader: MirrorReader;
  readonly #queries: Queries;
  readonly #changes: Changes;
  #closing: Promise<void> | null = null;

  constructor(reader: MirrorReader, { openForQuery, openFeed }: Reading) {
    this.#reader = reader;
    this.#queries = new Queries(openForQuery);
    this.#changes = new Changes(openFeed);
  }

  query<R extends object = Row>(sql: string, parameters: QueryParameters = {}): Query<R> {
    this.assertOpen();
    return this.#queries.query(sql, parameters) as Query<R>;
  }

  changes(options: ChangesOptions = {}): AsyncIterable<TaskChange> {
    this.assertOpen();
    return this.#changes.changes(options);
  }

  async status(): Promise<SourceStatus[]> {
    this.assertOpen();
    return this.#reader.status();
  }

  close(): Promise<void> {
    this.#closing ??= this.end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected assertOpen(): void {
    if (this.#closing !== null) throw new UsageError('mirror_closed', {}, 'the mirror is closed');
  }

  /** Closes the readers first: only the last connection of a process that writes can empty the WAL. */
  protected async end(): Promise<void> {
    await Promise.all([this.#queries.close(), this.#changes.close()]);
    await this.#reader.close();
  }
}

/** The parts of a mirror that can be synced. */
export interface MirrorParts extends Reading {
  store: MirrorStore;
  clock: Clock;
  connect: (options: CheckedSyncOptions, log: Log) => Promise<TaskSource>;
}

/** A mirror that is open for writing. */
export class OpenMirror extends OpenReader implements Mirror {
  readonly #parts: MirrorParts;
  readonly #runs = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();

  constructor(parts: MirrorParts) {
    super(parts.store, parts);
    this.#parts = parts;
  }

  async sync(options: SyncOptions): Promise<SyncReport> {
    this.assertOpen();
    const run = this.#run(options, checkSyncOptions(options));
    this.#runs.add(run);
    try {
      const { report, failure } = await run;
      if (failure === null) return report;
      noteReport(failure, report);
      throw failure;
    } finally {
      this.#runs.delete(run);
    }
  }

  #run(options: SyncOptions, checked: CheckedSyncOptions): ReturnType<typeof syncSource> {
    const { store, clock, connect } = this.#parts;
    const { signal, log = SILENT, onProgress, full, allowRemovals, dryRun } = options;
    return syncSource(
      checked.identity,
      {
        store,
        clock,
        logFor: (fields) => withFields(log, fields),
        connect: (runLog) => connect(checked, runLog),
      },
      {
        ...runOptions(checked.settings, checked.retention),
        full,
        allowRemovals,
        dryRun,
        // The caller gets the failure as an error.
        failureLevel: 'info',
        signal: AbortSignal.any([this.#stop.signal, ...(signal === undefined ? [] : [signal])]),
        ...(onProgress === undefined ? {} : { onProgress }),
      },
    );
  }

  protected override async end(): Promise<void> {
    this.#stop.abort(new Error('the mirror was closed'));
    await Promise.allSettled(this.#runs);
    await super.end();
  }
}

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Returns a log that adds these fields to each line. */
function withFields(log: Log, added: object): Log {
  return {
    debug: (fields, message) => log.debug({ ...added, ...fields }, message),
    info: (fields, message) => log.info({ ...added, ...fields }, message),
    warn: (fields, message) => log.warn({ ...added, ...fields }, message),
    error: (fields, message) => log.error({ ...added, ...fields }, message),
  };
}
