import type { Change, Committed, MirrorClaim, MirrorStore } from '../../src/store/store.ts';

/** Stands in for a commit of `change`; `write` does it. */
export type Commit = (change: Change, write: () => Promise<Committed>) => Promise<Committed>;

/** Returns the store, with all commits of its claims done by `commit`. */
export function withCommits(store: MirrorStore, commit: Commit): MirrorStore {
  const watched = (claim: MirrorClaim): MirrorClaim =>
    new Proxy(claim, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          const call = (): unknown => Reflect.apply(member, target, args);
          return name === 'commit' ? commit(args[0] as Change, call as () => Promise<Committed>) : call();
        };
      },
    });
  return new Proxy(store, {
    get: (target, name) =>
      name === 'claim'
        ? async (source: Parameters<MirrorStore['claim']>[0]) => watched(await target.claim(source))
        : Reflect.get(target, name, target),
  });
}
