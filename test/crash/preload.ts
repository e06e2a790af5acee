/**
 * Loaded into the program before it starts (`node --import`), so that it dies at a chosen step of its work on the
 * database, without a line for tests in the program itself. A module that acts when it is imported, since that is all
 * that `--import` can do.
 *
 * CRASH_AT="commit 3 before" kills it with SIGKILL right before (or `after`) its third step of that kind:
 *
 * - `commit`: the file changes for good: a COMMIT, a statement that commits by itself, a checkpoint, closing the file
 * - `schema`: a statement of a migration, inside its transaction
 * - `row`: a row is written, inside a transaction
 *
 * CRASH_TORN=1 makes SIGXFSZ deadly again (Node ignores it): under `ulimit -f` the process then dies inside the very
 * write that would pass the limit, after the part of it that still fits.
 */
import { writeSync } from 'node:fs';
import Database from 'better-sqlite3';

type Kind = 'commit' | 'schema' | 'row';
type Wrapper = (self: Database.Statement, work: () => unknown) => unknown;

const { CRASH_AT, CRASH_TORN } = process.env;
if (CRASH_AT !== undefined) killAt(CRASH_AT);
if (CRASH_TORN !== undefined) makeDeadly('SIGXFSZ');

function killAt(point: string): void {
  const steps: Record<Kind, number> = { commit: 0, schema: 0, row: 0 };
  const around = (kind: Kind | null, sql: string, work: () => unknown): unknown => {
    if (kind === null) return work();
    const step = `${kind} ${(steps[kind] += 1)}`;
    if (point === `${step} before`) die(point, sql);
    const result = work();
    if (point === `${step} after`) die(point, sql);
    return result;
  };

  // All statements share one prototype, also those by which `transaction()` begins and commits.
  const memory = new Database(':memory:');
  const statements = Object.getPrototypeOf(memory.prepare('select 1')) as object;
  memory.close();
  for (const name of ['run', 'get', 'all']) {
    wrap(statements, name, (statement, work) => around(kindOf(statement), statement.source, work));
  }
  wrap(Database.prototype, 'close', (_db, work) => around('commit', 'close', work));
}

function wrap(prototype: object, name: string, wrapper: Wrapper): void {
  const methods = prototype as Record<string, (...parameters: unknown[]) => unknown>;
  const original = methods[name];
  if (original === undefined) throw new Error(`better-sqlite3 has no ${name}() any more`);
  methods[name] = function wrapped(this: Database.Statement, ...parameters) {
    return wrapper(this, () => Reflect.apply(original, this, parameters));
  };
}

function kindOf({ source, readonly, database }: Database.Statement): Kind | null {
  if (/^commit\b/i.test(source)) return 'commit';
  if (readonly || /^begin\b/i.test(source)) return null;
  if (!database.inTransaction) return 'commit';
  return /^(insert|update|replace|delete)\b/i.test(source) ? 'row' : 'schema';
}

function die(point: string, sql: string): void {
  writeSync(2, `killed at "${point}": ${sql.replaceAll(/\s+/g, ' ').slice(0, 80)}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** The last listener to leave hands the signal back to the system's default. */
function makeDeadly(signal: NodeJS.Signals): void {
  process.on(signal, die).off(signal, die);
}
