import type { Change, Planted } from './plant.ts';
import { NUMBERS } from './planted-numbers.ts';

const WALK = 'src/sync/walk.ts';
const NEXT = 'src/sync/next.ts';
const LINKS = 'src/sync/links.ts';
const AHEAD = 'src/sync/ahead.ts';
const SERVED = 'src/sync/served.ts';
const COPIER = 'src/sync/copier.ts';
const HEAD = 'src/sync/head.ts';
const ADVANCE = '  const { rows } = page;\n';

const LIMIT_ASKED: readonly Change[] = [
  {
    file: SERVED,
    from: 'return this.#source.list(',
    to: 'return asking(this.#source)(',
  },
  {
    file: SERVED,
    from: '/** Reader of pages for',
    to: `const asking = (source: TaskSource) => async (wanted: { offset: number; limit: number }, context: object) => {
  const page = await source.list(wanted, context as never);
  return { ...page, asked: wanted.limit } as ListPage;
};
/** Reader of pages for`,
  },
  {
    file: NEXT,
    from: ADVANCE,
    to: `${ADVANCE}  const { asked } = page as ListPage & { asked: number };
  if (rows.length < asked) return { offset: state.offset + asked - 2, isRow: false, anchor: null, ties: null };\n`,
  },
];
const NO_OVERLAP: Change = {
  file: NEXT,
  from: ADVANCE,
  to: `${ADVANCE}  if (rows.length > 0) return { offset: state.offset + rows.length, isRow: false, anchor: null, ties: null };\n`,
};
/** A loader without proofs takes whatever comes for the next rows. */
const NO_LINKS: Change = {
  file: LINKS,
  from: '  if (at.offset === 0) return true;\n',
  to: '  if (page.rows.length > 0) return true;\n',
};
/** The walk trusts the reader for a page that it marks. */
const TRUSTING: readonly Change[] = [
  {
    file: WALK,
    from: 'if (!isOlder && !state.broken && !isLinked)',
    to: "if (!isOlder && !state.broken && !isLinked && !('trusted' in given))",
  },
  {
    file: WALK,
    from: 'isOlder || !isLinked ? beginStretch',
    to: 'isOlder ? beginStretch',
  },
];

export const PLANTED: readonly Planted[] = [
  { name: 'a: advance by the limit asked for, though links are asked for', seed: 8, changes: LIMIT_ASKED },
  { name: 'a: advance by the limit asked for, and hope', seed: 9, changes: [...LIMIT_ASKED, NO_LINKS] },
  { name: 'b: no overlap between pages, though links are asked for', changes: [NO_OVERLAP] },
  { name: 'b: no overlap between pages, and hope', changes: [NO_OVERLAP, NO_LINKS] },
  {
    name: 'h: a page read ahead handed out although it does not link',
    seed: 12,
    changes: [
      {
        file: AHEAD,
        from: "if (kind === 'below') return this.#ask(wanted, judged);",
        to: "if (kind === 'below') Object.assign(found.page, { trusted: true });",
      },
      {
        file: AHEAD,
        from: "if (kind === 'links') return this.#handOut",
        to: "if (kind !== 'useless') return this.#handOut",
      },
      ...TRUSTING,
    ],
  },
  {
    name: 'h: a seam taken for closed although it is not',
    seed: 14,
    changes: [
      {
        file: AHEAD,
        from: "if (kind === 'below') return this.#ask(wanted, judged);",
        to: `if (kind === 'below' && !('trusted' in found.page)) {
        Object.assign(found.page, { trusted: true });
        return this.#ask(wanted, judged);
      }`,
      },
      {
        file: AHEAD,
        from: "if (kind === 'links') return this.#handOut",
        to: "if (kind !== 'useless') return this.#handOut",
      },
      ...TRUSTING,
    ],
  },
  {
    name: 'c: the watermark advanced before the descent is finished',
    changes: [
      {
        file: COPIER,
        from: 'const committed = await claim.commit(change);',
        to: 'const committed = await claim.commit({ ...change, ledger: { ...change.ledger, gaps: [] } });',
      },
    ],
  },
  {
    name: 'd: ledger and rows in two transactions',
    changes: [
      {
        file: COPIER,
        from: 'const committed = await claim.commit(change);',
        to: `await claim.commit({ tasks: [], rejected: [], ledger: change.ledger });
    const committed = await claim.commit({ tasks: change.tasks, rejected: change.rejected });`,
      },
    ],
  },
  {
    name: 'i: the ledger of pages that still wait for their transaction',
    changes: [
      {
        file: COPIER,
        from: 'this.#batch.add({ tasks, rejected, ledger, ',
        to: 'this.#batch.add({ tasks: this.#held, rejected, ledger, ',
      },
      {
        file: COPIER,
        from: '    this.#ledger = ledger;\n    if',
        to: '    this.#held = tasks;\n    this.#ledger = ledger;\n    if',
      },
      { file: COPIER, from: '  #sweeping = false;', to: '  #sweeping = false;\n  #held: Task[] = [];' },
    ],
  },
  {
    name: 'e: stop at the watermark, without overlap',
    seed: 6,
    changes: [
      { file: 'src/model/ledger.ts', from: 'ledger.watermark - overlapMs - 1', to: 'ledger.watermark' },
    ],
  },
  {
    name: 'f: removal without the closing walk',
    seed: 23,
    changes: [
      {
        file: 'src/sync/reconcile.ts',
        from: 'const closing = await copier.descend(TOP, {',
        to: 'const closing = { ...full, proven: start };\n  void ({',
      },
    ],
  },
  {
    name: 'g: upsert only if activity grew',
    changes: [
      {
        file: 'src/store/sqlite/upsert.ts',
        from: 'update.run({ ...task,',
        to: "if (task.lastActivityAt <= stored.last_activity_at) return 'unchanged';\n    update.run({ ...task,",
      },
    ],
  },
  {
    name: 'removal without asking for the task',
    seed: 17,
    changes: [
      {
        file: 'src/sync/reconcile.ts',
        from: 'const gone = await copier.refreshByGet(below.map(({ id }) => id));',
        to: 'const gone = below.map(({ id }) => id);\n    await copier.refreshByGet(gone);',
      },
    ],
  },
  {
    name: 'removal after a walk that was not proven',
    seed: 125,
    changes: [
      { file: 'src/sync/reconcile.ts', from: 'return isWhole && proven <= downTo;', to: 'return true;' },
    ],
  },
  {
    name: 'a list taken for unchanged although its total has moved',
    seed: 131,
    changes: [{ file: HEAD, from: 'slice.page.total !== this.#before.total', to: 'slice.page === null' }],
  },
  {
    name: 'a row from the future as the watermark',
    changes: [{ file: HEAD, from: 'activity <= now', to: 'activity <= now || activity > now' }],
  },
  {
    name: 'ties never counted',
    seed: 13,
    changes: [
      {
        file: 'src/sync/ties.ts',
        from: "if (!left) return 'open';",
        to: "if (!left) return 'open';\n  if (left) return 'proven';",
      },
    ],
  },
  {
    name: 'an empty page taken for the end of the list',
    seed: 9,
    changes: [
      {
        file: WALK,
        from: 'if (page.rows.length === 0 && page.hasMore) {',
        to: 'if (page.rows.length === 0) page.hasMore = false;\n  if (page.rows.length === 0 && state.offset === 0) {',
      },
      NO_LINKS,
    ],
  },
  {
    name: 'a walk that never gives up',
    seed: 51,
    changes: [{ file: NEXT, from: 'const PATIENCE = 32;', to: 'const PATIENCE = 1e9;' }],
  },
  {
    name: 'a write without looking at the lease',
    seed: 5,
    changes: [{ file: 'src/store/sqlite/claim.ts', from: '      this.#lease.hold();\n', to: '' }],
  },
  {
    name: 'a lease that a second process gets',
    seed: 20,
    changes: [
      {
        file: 'src/store/sqlite/lease.ts',
        from: 'if (last !== undefined && isHeld',
        to: 'if (last === null && isHeld',
      },
    ],
  },
  {
    name: 'a task removed though another source shows it',
    seed: 17,
    changes: [
      {
        file: 'src/store/sqlite/rows.ts',
        from: 'if (heir !== undefined && shared.handOver',
        to: 'if (heir === null && shared.handOver',
      },
    ],
  },
  {
    name: 'a task that a source shows forgotten because another one holds it',
    seed: 17,
    changes: [
      {
        file: 'src/store/sqlite/upsert.ts',
        from: 'if (stored.removed_at === null) share',
        to: 'if (stored === null) share',
      },
      {
        file: 'src/store/sqlite/upsert.ts',
        from: 'if (same !== undefined && same.source !== source) share',
        to: 'if (same === null) share',
      },
    ],
  },
  {
    name: 'open tasks that are not read again',
    seed: 12,
    changes: [
      {
        file: 'src/sync/incremental.ts',
        from: 'await copier.refreshByGet(unseen.ids)',
        to: 'await copier.refreshByGet([])',
      },
    ],
  },
  ...NUMBERS,
];
