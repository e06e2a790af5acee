import type { Change, MirrorStore } from '../../src/store/store.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { SourceIdentity } from '../../src/model/run.ts';
import { LEASE_MS } from '../../src/model/lease.ts';
import type { SyncResult } from '../../src/sync/sync.ts';
import { SimulatedApi } from './api.ts';
import { checkAfterCall, checkAfterRun } from './checks.ts';
import { Plan } from './plan.ts';
import { Probe } from './probe.ts';
import { type Hooks, SimulatedProcess } from './process.ts';
import { mayBeUnchanged, openTasks } from './run-invariants.ts';
import { type Simulation, Violation } from './simulation.ts';

/** One run of the real core, watched from all sides. */
export class Run {
  readonly simulation: Simulation;
  readonly identity: SourceIdentity;
  readonly plan: Plan;
  readonly probe = new Probe();
  readonly process: SimulatedProcess;
  /** The state of the mirror when the run began. */
  readonly before: { watermark: number | null; overlapMs: number; open: string[] };
  /** What the database held before a dry run. */
  fingerprint: string | null = null;
  readonly #abort = new AbortController();
  #rival: MirrorStore | null = null;
  #usurper: Promise<void> | null = null;
  #freeUsurper: () => void = () => {};

  /** `before` replaces the rivals and usurpers of the plan. */
  constructor(simulation: Simulation, plan: Plan, before?: Hooks['before']) {
    const { identities, view, history } = simulation;
    const identity = identities[plan.run.source];
    if (identity === undefined) throw new Error('The history names a source that it does not have.');
    this.simulation = simulation;
    this.plan = plan;
    this.identity = identity;
    this.process = new SimulatedProcess(plan, {
      before: before ?? ((call) => this.#beforeCall(call)),
      after: (name, args, isOusted) => this.#afterCall(name, args, isOusted),
    });
    const state = view.sources.get(identity.name);
    this.before = {
      watermark: state?.ledger.watermark ?? null,
      overlapMs: Math.max(history.setup.overlapMs, state?.learnedOverlapMs ?? 0),
      open: openTasks(view.tasks, identity.name),
    };
  }

  get isDry(): boolean {
    return this.plan.run.mode.startsWith('dry');
  }

  get isFull(): boolean {
    return this.plan.run.mode.endsWith('full');
  }

  /** Runs to the end, which may be its death, and checks what must hold then. */
  async perform(store: MirrorStore): Promise<SyncResult> {
    const { simulation, process, plan } = this;
    const { setup } = simulation.history;
    simulation.tally.add('runs', plan.run.mode);
    const clock = simulation.time.clockFor(() => process.isFrozen || process.isDead);
    if (this.isDry) this.fingerprint = await simulation.view.fingerprint();
    if (plan.rivals.length > 0) this.#rival = await simulation.open(clock);
    const result = await simulation.sync(
      this.identity,
      {
        store: process.wrapStore(store),
        clock: off(clock, plan.run.ownSkewMs),
        connect: () => process.wrapSource(this.#createApi()),
      },
      {
        pageSize: setup.pageSize,
        concurrency: setup.concurrency,
        overlapMs: setup.overlapMs,
        signal: this.#abort.signal,
        full: this.isFull,
        dryRun: this.isDry,
        allowRemovals: plan.run.allowRemovals,
      },
    );
    this.probe.until = simulation.world(this.identity.name).moment;
    this.#freeUsurper();
    await this.#usurper;
    await this.#rival?.close();
    simulation.tally.add('requests', 'all', this.probe.requests);
    if (simulation.violation !== null) throw simulation.violation;
    await checkAfterRun(this, result);
    return result;
  }

  #createApi(): SimulatedApi {
    const { simulation, plan, probe, identity } = this;
    const { history, time, tally } = simulation;
    const world = simulation.world(identity.name);
    return new SimulatedApi({
      world,
      setup: history.setup,
      plan,
      probe,
      tally,
      seed: history.seed * 31 + plan.run.run,
      now: () => time.now(),
      beforeAnswer: (request) => {
        simulation.move(identity.name, plan, request);
        this.#boundRequests(world.rows.size);
      },
      advance: (ms) => time.advance(ms),
      abort: (reason) => this.#abort.abort(reason),
      onHead: (page, isLast) => {
        const state = simulation.view.sources.get(identity.name);
        probe.head = { page, isLast, mayBeUnchanged: mayBeUnchanged(page, state, simulation.view.tasks) };
      },
    });
  }

  /** Invariant 6: a run ends, after a number of requests that its rows and pages bound. */
  #boundRequests(rows: number): void {
    const { probe, simulation } = this;
    const { pageSize, serverLimit } = simulation.history.setup;
    const page = Math.min(pageSize, serverLimit, probe.smallestPage);
    const most = 200 + 10 * Math.ceil(rows / Math.max(1, page - 2));
    if (probe.requests <= most) return;
    this.#fail('6 bounded requests', `${probe.requests} requests for ${rows} rows, ${page} rows a page`);
  }

  async #beforeCall(call: number): Promise<void> {
    if (this.plan.rivals.some((rival) => rival.call === call)) await this.#letRivalTry();
    const usurper = this.plan.usurperAt(call);
    if (usurper !== undefined && this.process.isHolder) await this.#beOusted(usurper);
  }

  /** Checks that a second process does not get the lease while this one lives. */
  async #letRivalTry(): Promise<void> {
    if (!this.process.isHolder || this.process.isOusted) return;
    this.simulation.tally.add('processes', 'rival refused');
    try {
      await this.#rival?.claim(this.identity);
    } catch (error) {
      if (error instanceof Error && error.name === 'LeaseHeldError') return;
      throw error;
    }
    this.#fail('7 one writer', 'a second process got the lease while the first one lives');
  }

  /** Lets this process sleep until another has taken its lease over; it wakes while the other one works. */
  async #beOusted({ until, full }: { until: number; full: boolean }): Promise<void> {
    const { simulation, process, plan } = this;
    simulation.tally.add('processes', 'ousted');
    await process.freeze();
    simulation.time.advance(LEASE_MS + 30_000);
    process.isOusted = true;
    const awake = Promise.withResolvers<void>();
    const rested = Promise.withResolvers<void>();
    this.#freeUsurper = rested.resolve;
    const calm = new Plan({ ...plan.run, mode: full ? 'full' : 'plain', getLies: false }, []);
    const other = new Run(simulation, calm, async (call) => {
      if (call !== until) return;
      awake.resolve();
      await rested.promise;
    });
    this.#usurper = this.#runBeside(other).finally(awake.resolve);
    // It is awaited when this process has ended: until then its failure may wait.
    this.#usurper.catch(() => undefined);
    await awake.promise;
    process.thaw();
  }

  async #runBeside(other: Run): Promise<void> {
    const store = await this.simulation.open(this.simulation.time.clockFor(() => false));
    await other.perform(store);
    await store.close();
  }

  async #afterCall(name: string, args: readonly unknown[], isOusted: boolean): Promise<void> {
    if (name === 'commit') this.simulation.tally.add('commits', 'all');
    try {
      const ids = name === 'commit' ? touched(args[0] as Change) : (args[0] as readonly string[]);
      await checkAfterCall(this, { name, ids, isOusted });
    } catch (error) {
      // A run reports what it meets, and ends: the finding is raised again after that.
      this.process.isDead = true;
      throw error;
    }
  }

  #fail(invariant: string, message: string): never {
    this.process.isDead = true;
    throw (this.simulation.violation ??= new Violation(invariant, message));
  }
}

/** Returns a clock that is wrong by `ms`. */
function off(clock: Clock, ms: number): Clock {
  return { ...clock, now: () => clock.now() + ms };
}

function touched(change: Change): string[] {
  return change.tasks.map(({ id }) => id);
}
