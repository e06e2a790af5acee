import type { MirrorClaim, MirrorStore } from '../../src/store/store.ts';
import type { TaskSource } from '../../src/source/source.ts';
import type { Plan } from './plan.ts';

/** The error that ends every call of a dead process. */
export class Crash extends Error {}

/** The simulation's hooks around the calls of a process. */
export interface Hooks {
  /** Called before the call of this number; may wait while another process runs. */
  before(call: number): Promise<void>;
  /**
   * Called after a call was done, or may be, before the process can die of it: checks what must hold now. `isOusted`:
   * another process had the lease when the call began.
   */
  after(name: string, args: readonly unknown[], isOusted: boolean): Promise<void>;
}

type Convert = (name: string, result: unknown) => unknown;
type Watch = <T>(doing: Promise<T>) => Promise<T>;

/**
 * A process as the core's run sees it from inside: every call of its source, store and claim goes through
 * here, and may be the last one. A dead process does nothing any more; it does not even return its lease.
 */
export class SimulatedProcess {
  isDead = false;
  /** It has the lease, as far as it knows. */
  isHolder = false;
  /** Another process has taken the lease over. */
  isOusted = false;
  calls = 0;
  readonly plan: Plan;
  readonly #hooks: Hooks;
  #frozen: PromiseWithResolvers<void> | null = null;
  /** What its store is doing: a server goes on with that while this machine sleeps. */
  readonly #stored = new Set<Promise<unknown>>();

  constructor(plan: Plan, hooks: Hooks) {
    this.plan = plan;
    this.#hooks = hooks;
  }

  /** Stopped by the machine: its intervals do not fire, and what it has under way does not move. */
  get isFrozen(): boolean {
    return this.#frozen !== null;
  }

  /** Stops it, and resolves once the store has done what it was doing. */
  async freeze(): Promise<void> {
    this.#frozen = Promise.withResolvers();
    await Promise.allSettled(this.#stored);
  }

  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = null;
  }

  wrapStore(store: MirrorStore): MirrorStore {
    const toStored = <T>(doing: Promise<T>): Promise<T> => {
      this.#stored.add(doing);
      return doing.finally(() => this.#stored.delete(doing));
    };
    const wrap = <T extends object>(target: T, convert: Convert): T => this.#wrap(target, convert, toStored);
    return wrap(store, (name, result) => {
      const isClaim = name === 'claim' || name === 'observe';
      return isClaim ? wrap(result as MirrorClaim, (_name, value) => value) : result;
    });
  }

  wrapSource(source: TaskSource): TaskSource {
    return this.#wrap(
      source,
      (_name, result) => result,
      (doing) => doing,
    );
  }

  #wrap<T extends object>(target: T, convert: Convert, watch: Watch): T {
    return new Proxy(target, {
      get: (_target, property) => {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        const name = String(property);
        return async (...args: unknown[]): Promise<unknown> => {
          const work = (): unknown => Reflect.apply(member, target, args);
          return convert(name, await this.#call(name, args, work, watch));
        };
      },
    });
  }

  async #call(name: string, args: readonly unknown[], work: () => unknown, watch: Watch): Promise<unknown> {
    this.#live();
    // It comes at its own times, so it is no place for a decision.
    if (name === 'renew') return work();
    this.calls += 1;
    const crash = this.plan.crashAt(this.calls);
    await this.#hooks.before(this.calls);
    await this.#awake();
    // Another call of this process may meanwhile have been its last.
    this.#live();
    if (crash?.after === false) this.#die();
    // The end of a run may return the lease; what is left to do after it needs none.
    if (name === 'release' || name === 'finishRun') this.isHolder = false;
    try {
      const result = await watch(this.#do(name, args, work));
      if (crash?.after === true) this.#die();
      return result;
    } finally {
      await this.#awake();
    }
  }

  async #awake(): Promise<void> {
    while (this.#frozen !== null) await this.#frozen.promise;
  }

  async #do(name: string, args: readonly unknown[], work: () => unknown): Promise<unknown> {
    const { isOusted } = this;
    const result = await this.#attempt(name, args, work);
    if (name === 'claim') this.isHolder = true;
    await this.#hooks.after(name, args, isOusted);
    return result;
  }

  async #attempt(name: string, args: readonly unknown[], work: () => unknown): Promise<unknown> {
    try {
      return await work();
    } catch (error) {
      // If the connection was cut off, it is unknown whether it was written.
      const isUnknown = error instanceof Error && error.name === 'DatabaseError' && !this.isOusted;
      if (isUnknown) await this.#hooks.after(name, args, false);
      throw error;
    }
  }

  #live(): void {
    if (this.isDead) throw new Crash('simulated: this process is dead');
  }

  #die(): never {
    this.isDead = true;
    throw new Crash('simulated: the process dies here');
  }
}
