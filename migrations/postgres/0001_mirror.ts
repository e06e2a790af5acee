import type { Run } from './index.ts';

/**
 * The tables, indexes and views that users and other programs rely on (docs/schema.md, docs/postgresql.md).
 * `s` is the quoted name of the schema with a dot: every name is qualified, since search_path belongs to the
 * session.
 */
export async function up(run: Run, s: string): Promise<void> {
  const { tables } = await import('./0001_tables.ts');
  const { views } = await import('./0001_views.ts');
  for (const statement of [...tables(s), ...views(s)]) await run(statement);
}
