import type { Change, Committed, MirrorStore } from '../../src/store/store.ts';

/** Stands in for a commit of `change`; `write` does it. */
export type Commit = (change: Change, write: () => Promise<Committed>) => Promise<Committed>;

/** Returns the store, with all commits of its claims done by `commit`. */
export function withCommits(store: MirrorStore, commit: Commit): MirrorStore {
  return replaced(store, 'claim', async (...args) => {
    const claim = await store.claim(...args);
    return replaced(claim, 'commit', (change) => commit(change, () => claim.commit(change)));
  });
}

/** Returns the object with one of its methods replaced. */
function replaced<T extends object, K extends keyof T>(object: T, name: K, method: T[K]): T {
  return new Proxy(object, {
    get(target, asked) {
      if (asked === name) return method;
      const member: unknown = Reflect.get(target, asked, target);
      // Private fields are the target's.
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
