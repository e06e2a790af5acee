import { UsageError } from '../../model/errors.ts';
import { explainOldNode, OLDEST_NODE } from '../../model/version.ts';

/** Throws UsageError if Node is too old: better-sqlite3's binary ends such a process without a message. */
export function assertNode(): void {
  const problem = explainOldNode(process.versions.node);
  if (problem === null) return;
  throw new UsageError('node_too_old', { version: process.versions.node, oldest: OLDEST_NODE }, problem);
}
