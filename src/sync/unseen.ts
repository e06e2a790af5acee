import type { Sweep } from '../store/store.ts';

/** Ids read from the mirror at once. */
const IDS_AT_ONCE = 500;

/**
 * Yields the ids of the live tasks of the claim's source that its sweep has not seen, some at a time, in
 * their order. The caller may remove the ones it got before it asks for the next.
 */
export async function* unseenIds(claim: Pick<Sweep, 'unseen'>): AsyncGenerator<string[], void> {
  let after = '';
  for (;;) {
    const ids = await claim.unseen(after, IDS_AT_ONCE);
    const last = ids.at(-1);
    if (last === undefined) return;
    after = last;
    yield ids;
    if (ids.length < IDS_AT_ONCE) return;
  }
}
