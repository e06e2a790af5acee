import type { Decision, MoveDecision, RunDecision } from './decisions.ts';

type Of<What extends Decision['what']> = Extract<Decision, { what: What }>;

/** The decisions for one run, by the request or the call at which they come. */
export class Plan {
  readonly run: RunDecision;
  readonly #decisions: readonly Decision[];

  constructor(run: RunDecision, decisions: readonly Decision[]) {
    this.run = run;
    this.#decisions = decisions.filter((decision) => decision.run === run.run);
  }

  movesAt(request: number): MoveDecision[] {
    return this.#all('move').filter((move) => move.request === request);
  }

  faultAt(request: number): Of<'fault'> | undefined {
    const faults = this.#all('fault');
    return (
      faults.find((fault) => fault.request === request) ??
      faults.find((fault) => fault.isLasting && fault.request < request)
    );
  }

  crashAt(call: number): Of<'crash'> | undefined {
    return this.#all('crash').find((crash) => crash.call === call);
  }

  get rivals(): Of<'rival'>[] {
    return this.#all('rival');
  }

  usurperAt(call: number): Of<'usurp'> | undefined {
    return this.#all('usurp').find((usurp) => usurp.call === call);
  }

  #all<What extends Decision['what']>(what: What): Of<What>[] {
    return this.#decisions.filter((decision): decision is Of<What> => decision.what === what);
  }
}
