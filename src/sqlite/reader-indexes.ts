/** Indexes that only readers need: made once the first backfill has come to the end of the list. */
export const READER_INDEXES: readonly { name: string; sql: string }[] = [];
