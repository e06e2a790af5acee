import type { Clock } from '../../src/model/clock.ts';
import type { Log } from '../../src/model/log.ts';
import type { MirrorStore } from '../../src/store/store.ts';
import type { SourceIdentity } from '../../src/model/run.ts';
import { LEASE_MS } from '../../src/model/lease.ts';
import type { syncSource, SyncOptions, SyncResult } from '../../src/sync/sync.ts';
import { createSimulatedTime } from './clock.ts';
import type { Stretch } from './coverage.ts';
import type { Decision, History, RunDecision } from './decisions.ts';
import type { Facts, Finding } from './invariants.ts';
import { Follower } from './follower.ts';
import { MirrorView } from './mirror.ts';
import { applyMove } from './moves.ts';
import type { Inspector, Place } from './place.ts';
import { Plan } from './plan.ts';
import { type Tally } from './tally.ts';
import { Sight } from './sight.ts';
import { type List, World } from './world.ts';

/** The part of the program under test. */
export interface Core {
  createPlace(): Promise<Place>;
  syncSource: typeof syncSource;
}

/** What a simulation works with. */
export interface Bench {
  syncSource: Core['syncSource'];
  place: Place;
}

/** An invariant that does not hold. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

const EPOCH = Date.UTC(2026, 1, 1);
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** One mirror, the lists that it copies, and the time in which everything happens. */
export class Simulation {
  readonly history: History;
  readonly tally: Tally;
  readonly time = createSimulatedTime(EPOCH);
  readonly view: MirrorView;
  readonly follower: Follower;
  readonly identities: readonly SourceIdentity[];
  /** Tasks that a run removed because GET answered 404 for them, though they were there. */
  readonly denied = new Set<string>();
  /** Rows that were set aside, and then forgotten by a full run that was shown an old list. */
  readonly forgotten = new Set<string>();
  readonly #bench: Bench;
  readonly #worlds = new Map<string, World>();
  /** The views that keys have of a shared world; empty if each has its own world. */
  readonly #sights = new Map<string, Sight>();
  readonly #stretches = new Map<string, Stretch[]>();
  readonly #abandoned: MirrorStore[] = [];
  #store: MirrorStore | null = null;
  /** The first violation that was found. */
  violation: Violation | null = null;

  /** `inspector` looks at the mirror of the bench, which is empty. */
  constructor(history: History, bench: Bench, { tally, inspector }: { tally: Tally; inspector: Inspector }) {
    this.history = history;
    this.tally = tally;
    this.#bench = bench;
    this.view = new MirrorView(inspector);
    this.follower = new Follower(inspector, history.seed);
    this.identities = Array.from({ length: history.setup.sources }, (_, i) => ({
      name: `s${i}`,
      baseUrl: 'http://127.0.0.1',
    }));
    const { isShared, tieOrder } = history.setup;
    const shared = isShared ? new World(tieOrder) : null;
    for (const { name } of this.identities) {
      this.#worlds.set(name, shared ?? new World(tieOrder));
      if (shared !== null) this.#sights.set(name, new Sight(shared));
      this.#stretches.set(name, []);
    }
  }

  /** Returns the list that the source shows. */
  world(source: string): List {
    return this.#sights.get(source) ?? known(this.#worlds.get(source));
  }

  stretches(source: string): Stretch[] {
    return known(this.#stretches.get(source));
  }

  /** Returns what the invariants need to know of a source; null before the mirror has heard of it. */
  facts(source: string): Facts | null {
    const state = this.view.sources.get(source);
    if (state === undefined) return null;
    const [world, stretches] = [this.world(source), this.stretches(source)];
    const { oldest } = world;
    return {
      name: source,
      world,
      source: state,
      tasks: this.view.tasks,
      stretches,
      denied: this.denied,
      forgotten: this.forgotten,
      oldest,
    };
  }

  /** Throws the first finding that has no excuse. */
  judge(invariant: string, findings: readonly Finding[]): void {
    const found = findings.find(({ excuse }) => excuse === null);
    if (found !== undefined) throw (this.violation ??= new Violation(invariant, found.what));
  }

  /** Does the same and counts the excuses: once per run, since commits would count them over and over. */
  judgeAndCount(invariant: string, findings: readonly Finding[]): void {
    this.judge(invariant, findings);
    for (const { excuse } of findings) if (excuse !== null) this.tally.add('excuses', excuse);
  }

  /** Lets time go by and the list move while nobody reads it. */
  between(run: RunDecision, plan: Plan): void {
    this.time.advance(run.pauseMs);
    for (const { name } of this.identities) this.move(name, plan, 0);
  }

  move(source: string, plan: Plan, request: number): void {
    for (const move of plan.movesAt(request)) {
      this.tally.add('moves', move.move);
      if (move.move === 'wait') this.time.advance(1 + move.lagMs / 10);
      else {
        const world = known(this.#worlds.get(source));
        const sight = this.#sights.get(source) ?? null;
        applyMove({ world, sight, now: Math.floor(this.time.now()), prefix: `${source}-` }, move);
      }
    }
  }

  /** Puts every row where it belongs, and one more task at the top of the list. */
  comeToRest(source: string): void {
    const world = known(this.#worlds.get(source));
    world.sortOut();
    const now = Math.floor(this.time.now());
    const move = { what: 'move', run: -1, request: 0, move: 'new', where: 0.5, size: 1, lagMs: 0 } as const;
    applyMove({ world, sight: null, now, prefix: `${source}-` }, move);
  }

  /** Returns the store that one process after the other works with. */
  async store(): Promise<MirrorStore> {
    this.#store ??= await this.open(this.time.clockFor(() => false));
    return this.#store;
  }

  open(clock: Clock): Promise<MirrorStore> {
    return this.#bench.place.open(clock);
  }

  /** Whether a run may have failed since its connection was cut off. */
  get wasCut(): boolean {
    return this.#bench.place.wasCut;
  }

  /** From now on no connection is cut off. */
  calm(): void {
    this.#bench.place.calm();
  }

  async closeStore(): Promise<void> {
    await this.#store?.close();
    this.#store = null;
  }

  /** Leaves the store as after a kill, lease included, so that its lease grows stale. */
  abandon(): void {
    if (this.#store !== null) this.#abandoned.push(this.#store);
    this.#store = null;
    this.time.advance(LEASE_MS + 1_000);
  }

  sync(
    identity: SourceIdentity,
    parts: Omit<Parameters<typeof syncSource>[1], 'logFor'>,
    options: SyncOptions,
  ): Promise<SyncResult> {
    return this.#bench.syncSource(identity, { ...parts, logFor: () => SILENT }, options);
  }

  async close(): Promise<void> {
    await this.closeStore();
    for (const store of this.#abandoned) await store.close();
    await this.#bench.place.clear();
  }
}

/** Returns the plans of the runs among these decisions, in order. */
export function plansOf(decisions: readonly Decision[]): Plan[] {
  return decisions.flatMap((decision) => (decision.what === 'run' ? [new Plan(decision, decisions)] : []));
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The simulation has no such source.');
  return value;
}
