import type { Random } from '../../src/source/simulated/random.ts';
import { createRandom } from '../../src/source/simulated/random.ts';
import { InterruptedError } from '../../src/model/errors.ts';
import { apiFailed, keyRefused } from '../support/errors.ts';
import type { ListPage, RequestContext, TaskSource } from '../../src/source/source.ts';
import type { FaultDecision, FaultKind, Setup } from './decisions.ts';
import type { Plan } from './plan.ts';
import type { Probe } from './probe.ts';
import type { Tally } from './tally.ts';
import type { List, Version } from './world.ts';

/** How long an answer takes, in ms. */
const ANSWER_MS = 137;
/**
 * Most turns of the event loop that a list request and its answer are each under way. Requests sent at the
 * same time come in any order, and each shows the list as it was when it was read.
 */
const TURNS = 40;

export interface ApiParts {
  world: List;
  setup: Setup;
  plan: Plan;
  probe: Probe;
  tally: Tally;
  /** Drives the order of shuffled ties, a new one for each answer. */
  seed: number;
  now(): number;
  /** Called with its number before each request is answered: moves the list, throws if there are too many. */
  beforeAnswer(request: number): void;
  advance(ms: number): void;
  abort(reason: Error): void;
  /** Called with the first page that shows an activity, and whether the list ends with it. */
  onHead(page: ListPage, isLast: boolean): void;
}

/** A TaskSource over the simulated list, with the faults that the plan has for this run. */
export class SimulatedApi implements TaskSource {
  readonly #parts: ApiParts;
  readonly #delays: Random;
  #lagging: readonly Version[] | null = null;

  constructor(parts: ApiParts) {
    this.#parts = parts;
    this.#delays = createRandom(parts.seed);
  }

  async list(wanted: { offset: number; limit: number }, context: RequestContext): Promise<ListPage> {
    const { world, probe, setup, plan } = this.#parts;
    const fault = this.#begin(context);
    await turns(this.#delays.int(0, TURNS));
    probe.from ??= world.moment;
    probe.snapshots.push(world.inOrder());
    const order = this.#shownOrder(fault);
    probe.showedNothing ||= order.length === 0;
    const limit = Math.min(
      wanted.limit,
      setup.serverLimit,
      fault?.fault === 'clamped' ? fault.size : Infinity,
    );
    const end = fault?.fault === 'empty' ? wanted.offset : wanted.offset + limit;
    const versions = this.#cut(order, wanted.offset, end);
    for (const version of versions) version.listed = true;
    const isLast = end >= order.length;
    // A request for one row only checks whether the list answers.
    if (wanted.limit > 1) {
      probe.seePage(order, versions, { isLast, isShuffled: setup.tieOrder === 'shuffled' });
    }
    const rows = versions.map(({ row }) => row);
    const total = this.#total(order.length);
    // If neither the total nor a full page contradicts it, no program could notice.
    const speaksAgainst = total === null ? rows.length === wanted.limit : total > end;
    const isEarly = fault?.fault === 'early' && rows.length > 2 && speaksAgainst;
    const page: ListPage = {
      rows: fault?.fault === 'unsorted' ? rows.toReversed() : rows,
      total,
      hasMore: (!isLast && !isEarly) || fault?.fault === 'empty',
      servedAt: setup.isDated
        ? Math.floor((this.#parts.now() + plan.run.serverSkewMs) / 1_000) * 1_000
        : null,
    };
    if (probe.head === null && rows.some(({ activity }) => activity !== null))
      this.#parts.onHead(page, isLast);
    await turns(this.#delays.int(0, TURNS));
    context.signal.throwIfAborted();
    return page;
  }

  async get(id: string, context: RequestContext): ReturnType<TaskSource['get']> {
    const { world, probe, plan } = this.#parts;
    try {
      this.#begin(context);
    } catch (error) {
      probe.withheld.add(id);
      throw error;
    }
    const present = world.rows.get(id)?.current ?? null;
    const version = plan.run.lag === 0 ? present : (this.#replica().find((shown) => shown.id === id) ?? null);
    if (version === null || plan.run.getLies) {
      probe.gone.add(id);
      if (present !== null) probe.denied.add(id);
      return null;
    }
    version.shared.got = true;
    return version.detail;
  }

  /** Begins every request. Returns the fault that the answer is to have, unless the fault is thrown. */
  #begin({ signal, onRequest }: RequestContext): FaultDecision | undefined {
    const { plan, probe, tally } = this.#parts;
    signal.throwIfAborted();
    onRequest?.();
    probe.requests += 1;
    this.#parts.beforeAnswer(probe.requests);
    this.#parts.advance(ANSWER_MS);
    const found = plan.faultAt(probe.requests);
    if (found === undefined) return undefined;
    tally.add('faults', found.fault);
    const failure = failureOf(found.fault);
    if (failure === null) return found;
    probe.injected.add(failure.name);
    if (found.fault === 'abort') this.#parts.abort(failure);
    throw failure;
  }

  #shownOrder(fault: FaultDecision | undefined): readonly Version[] {
    const { probe, world, plan, setup } = this.#parts;
    if (plan.run.lag > 0) return this.#replica();
    if (fault?.fault === 'lagging' && !setup.isShared) return this.#past(3 * fault.size);
    if (fault?.fault !== 'stale') return world.inOrder();
    const { snapshots } = probe;
    const order = snapshots[Math.max(0, snapshots.length - 1 - fault.size)] ?? world.inOrder();
    probe.isStale ||= order !== world.inOrder();
    return order;
  }

  /** Returns the list of a replica that does not change during the run. */
  #replica(): readonly Version[] {
    const { plan } = this.#parts;
    this.#lagging ??= this.#past(plan.run.lag);
    return this.#lagging;
  }

  #past(changes: number): readonly Version[] {
    const { world, probe, tally } = this.#parts;
    const { moment, order } = world.past(changes);
    tally.add('replicas', 'lagging answers');
    probe.oldest = Math.min(probe.oldest, moment);
    probe.oldestTop = Math.max(probe.oldestTop, ...order.map(({ activity }) => activity));
    world.oldest = Math.min(world.oldest, moment);
    probe.isStale ||= order !== world.inOrder();
    return order;
  }

  #cut(order: readonly Version[], from: number, to: number): Version[] {
    const { setup, seed, probe } = this.#parts;
    if (setup.tieOrder !== 'shuffled') return order.slice(from, to);
    const random = createRandom(seed * 1_009 + probe.requests);
    return shuffleTies(order, random).slice(from, to);
  }

  #total(rows: number): number | null {
    const { setup, world } = this.#parts;
    const before = world.lastTotal;
    world.lastTotal = rows;
    if (setup.total === 'none') return null;
    if (setup.total === 'plus') return rows + 7;
    return setup.total === 'late' ? (before ?? rows) : rows;
  }
}

function failureOf(fault: FaultKind): Error | null {
  if (fault === 'refused') return keyRefused('simulated: the key was refused');
  if (fault === 'failed') return apiFailed('simulated: the API failed');
  return fault === 'abort' ? new InterruptedError('simulated: interrupted') : null;
}

function shuffleTies(order: readonly Version[], random: Random): Version[] {
  return [...Map.groupBy(order, ({ place }) => place).values()].flatMap((ties) => random.shuffle(ties));
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}
