import { type Kysely, sql } from 'kysely';

/** How far the full text index of tasks is built; the index itself is made after the first backfill (README, "Tables"). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('create table search_state (built_through integer not null) strict').execute(db);
}
