/** An index that only readers need. */
export interface ReaderIndex {
  name: string;
  /** `create index concurrently if not exists ...` */
  create: string;
}

/**
 * Returns the indexes that make reports fast and that no run of sync needs. They are built after the first
 * backfill. A key has 2,704 bytes at most, so names and groups that may be longer are cut or left out of it.
 */
export function readerIndexes(s: string): readonly ReaderIndex[] {
  const index = (name: string, columns: string, where = 'removed_at is null'): ReaderIndex => ({
    name,
    create: `create index concurrently if not exists ${name} on ${s}tasks ${columns} where ${where}`,
  });
  return [
    index('reader_by_created_at', '(created_at)'),
    index('reader_by_user', '(left(username, 200), created_at)'),
    index('reader_by_session', '(left(session_id, 200), created_at)'),
    index('reader_by_error_group', '(error_group, created_at)', `removed_at is null and status = 'failed'`),
    index('reader_removed', '(source)', 'removed_at is not null'),
  ];
}
