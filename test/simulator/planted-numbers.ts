import type { Planted } from './plant.ts';

/** Faults in the numbers of changes. */
export const NUMBERS: readonly Planted[] = [
  {
    name: 'a task that comes without a number',
    changes: [
      {
        file: 'src/store/sqlite/task-statements.ts',
        from: "        seq: p('seq'),\n        added_seq",
        to: '        added_seq',
      },
    ],
  },
  {
    name: 'a removal that keeps the old number',
    changes: [
      {
        file: 'src/store/sqlite/queries.ts',
        from: ".set({ removed_at: p('now'), changed_at: p('now'), seq: p('seq') })",
        to: ".set({ removed_at: p('now'), changed_at: p('now') })",
      },
    ],
  },
  {
    name: 'an update that keeps the old number',
    changes: [
      {
        file: 'src/store/sqlite/upsert.ts',
        from: 'const seq = changes.length === 0 ?',
        to: 'const seq = changes.length >= 0 ?',
      },
    ],
  },
  {
    name: 'a number that is given twice in a commit',
    changes: [
      {
        file: 'src/store/sqlite/upsert.ts',
        from: 'if (isNew) counter.seq = seq;',
        to: 'if (isNew && seq % 7 > 0) counter.seq = seq;',
      },
    ],
  },
  {
    name: 'a counter that is not stored',
    changes: [
      {
        file: 'src/store/sqlite/numbered.ts',
        from: 'if (counter.seq > seq) write',
        to: 'if (seq < 0) write',
      },
    ],
  },
];
