/** Seeds whose histories failed once, and what was found by them. */
export const SEEDS: readonly { seed: number; what: string }[] = [];
