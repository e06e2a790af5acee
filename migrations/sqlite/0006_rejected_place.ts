import { type Kysely, sql } from 'kysely';

/** Where in the list a rejected row was: an older copy of the list cannot say that a row above its head is gone. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table rejected_rows add column last_activity_at text').execute(db);
}
