/** An index that only readers need. */
export interface ReaderIndex {
  name: string;
  /** `create index if not exists ...` */
  create: string;
}

/** The indexes that no run of sync needs: made once the first backfill has come to the end of the list. */
export const READER_INDEXES: readonly ReaderIndex[] = [];
