/** An index that only readers need. */
export interface ReaderIndex {
  name: string;
  /** `create index concurrently if not exists ...` */
  create: string;
}

/**
 * Returns the indexes that make reports fast and that no run of sync needs. They are built after the first
 * backfill, since that costs a fraction of keeping them up to date during it. Each holds all that its reports
 * read, so that the rows themselves, with their long messages, are not read. An entry has 2,704 bytes at most,
 * or its task could not be written: hence the columns that hold the beginning of a name, and the bounds of ids
 * and statuses (bounds.ts).
 */
export function readerIndexes(s: string): readonly ReaderIndex[] {
  const live = 'removed_at is null';
  const index = (name: string, columns: string, where: string = live): ReaderIndex => ({
    name,
    create: `create index concurrently if not exists ${name} on ${s}tasks ${columns} where ${where}`,
  });
  return [
    index('reader_by_created_at', '(created_at) include (status, username_key, queue_ms, run_ms, id)'),
    index('reader_by_user', '(username_key, created_at) include (status, queue_ms, run_ms, id)'),
    index('reader_by_session', '(session_key, created_at) include (status, username_key, run_ms)'),
    index(
      'reader_by_error_group',
      '(error_group, created_at) include (username_key, id, status)',
      `${live} and status = 'failed'`,
    ),
    index('reader_removed', '(source)', 'removed_at is not null'),
  ];
}
