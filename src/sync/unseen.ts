import type { Sweep } from '../store/store.ts';

/** Ids that are read from the mirror at once. */
const IDS_AT_ONCE = 500;

/**
 * The ids of the live tasks of the claim's source that its sweep has not seen, some at a time, in their order. Whoever asks for the
 * next ones may have removed those before.
 */
export async function* unseenIds(claim: Pick<Sweep, 'unseen'>): AsyncGenerator<string[], void> {
  let after = '';
  for (;;) {
    const ids = await claim.unseen(after, IDS_AT_ONCE);
    const last = ids.at(-1);
    if (last === undefined) return;
    after = last;
    yield ids;
  }
}
