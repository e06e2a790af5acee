/** Runs one statement. */
export type Run = (statement: string) => Promise<unknown>;

/** A step of the schema; `s` is the quoted name of the schema with a dot. */
export interface PostgresMigration {
  up(run: Run, s: string): Promise<void>;
}

/**
 * Every migration by name, in order, to be loaded by whoever runs it: everyone else needs their number only.
 * A name that was released is never changed, and neither is what it does.
 */
export const migrations: Readonly<Record<string, () => Promise<PostgresMigration>>> = {
  '0001_mirror': () => import('./0001_mirror.ts'),
};
