/** An index that only readers need. */
export interface ReaderIndex {
  name: string;
  /** `create index if not exists ...` */
  create: string;
}

/**
 * The indexes that make reports fast and that no run of sync needs. They are built after the first backfill,
 * since that costs a fraction of keeping them up to date during it. Each holds all that its reports read, so
 * that the rows themselves, with their long messages, are not read. `removed_at` is always null in them; it
 * is there because SQLite takes an index as covering only if it has every column that the query names.
 */
export const READER_INDEXES: readonly ReaderIndex[] = [
  index('reader_by_created_at', 'created_at, status, username, queue_ms, run_ms'),
  index('reader_by_user', 'username, created_at, status, queue_ms, run_ms'),
  index('reader_by_session', 'session_id, created_at, status, username, run_ms'),
  index('reader_by_error_group', 'error_group, created_at, username, id, status', `status = 'failed'`),
  {
    name: 'reader_removed',
    create: 'create index if not exists reader_removed on tasks (source) where removed_at is not null',
  },
];

function index(name: string, columns: string, condition?: string): ReaderIndex {
  const where = ['removed_at is null', ...(condition === undefined ? [] : [condition])].join(' and ');
  return {
    name,
    create: `create index if not exists ${name} on tasks (${columns}, removed_at) where ${where}`,
  };
}
