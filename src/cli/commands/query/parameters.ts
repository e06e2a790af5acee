import { CommandLineError } from '../../command-line-error.ts';
import type { SqlParameters } from '../../../store/queryable.ts';

const ASSIGNMENT = /^(?<name>\w{1,100})=(?<text>[^]*)$/;
const INTEGER = /^-?(?:0|[1-9]\d{0,18})$/;
const DECIMAL = /^-?(?:0|[1-9]\d*)\.\d+$/;
const QUOTED = /^'[^]*'$/;

/** Bits of an SQLite integer (sqlite.org/datatype3.html). */
const BITS = 64;

/**
 * Parses `--param NAME=VALUE`. Text like an integer or a decimal (-5, 0.25) is a number, because SQLite never
 * finds a text equal to a computed number; everything else is text (2026-01-01, 007, 1e5), and so is a value
 * in single quotes ('42'), without the quotes. Throws UsageError for text that is not NAME=VALUE, and for a
 * name given twice.
 */
export function parseParameters(assignments: readonly string[]): SqlParameters {
  const parameters = new Map<string, string | number | bigint>();
  for (const assignment of assignments) {
    const { name, text } = ASSIGNMENT.exec(assignment)?.groups ?? {};
    if (name === undefined || text === undefined) {
      throw new CommandLineError(`--param "${assignment.slice(0, 100)}" is not NAME=VALUE`, {
        hint: 'The name consists of letters, digits and underscores: --param since=2026-01-01 is :since in the SQL.',
      });
    }
    if (parameters.has(name)) throw new CommandLineError(`--param gives "${name}" more than one value`);
    parameters.set(name, valueOf(text));
  }
  return Object.fromEntries(parameters);
}

function valueOf(text: string): string | number | bigint {
  if (QUOTED.test(text) && text.length > 1) return text.slice(1, -1).replaceAll("''", "'");
  if (DECIMAL.test(text)) return Number(text);
  if (!INTEGER.test(text)) return text;
  const integer = BigInt(text);
  return BigInt.asIntN(BITS, integer) === integer ? integer : text;
}

/** Throws UsageError unless exactly the statement's parameters have values. */
export function assertParameters(names: readonly string[], given: SqlParameters): void {
  const missing = names.filter((name) => !Object.hasOwn(given, name));
  const unknown = Object.keys(given).filter((name) => !names.includes(name));
  if (missing.length === 0 && unknown.length === 0) return;
  const wrong = [
    ...missing.map((name) => `"${name}" has no value`),
    ...unknown.map((name) => `the SQL has no "${name}"`),
  ];
  throw new CommandLineError(`the parameters do not match the SQL: ${wrong.join(', ')}`, {
    hint:
      names.length === 0
        ? 'This SQL has no parameters. In SQL, a parameter is written :name.'
        : `Give ${names.map((name) => `--param ${name}=VALUE`).join(' ')}.`,
  });
}
