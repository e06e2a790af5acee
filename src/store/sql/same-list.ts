import { isLoopback } from '../../model/base-url.ts';
import { UsageError } from '../../model/errors.ts';
import type { SourceIdentity } from '../../model/run.ts';

/**
 * Throws UsageError if a source of this name is a copy of another API, `known`. A local simulated API may have
 * a new port, as each start picks one; other new addresses are rather mistakes.
 */
export function assertSameList({ name, baseUrl }: SourceIdentity, known: string): void {
  if (known === baseUrl || (isLocal(known) && isLocal(baseUrl))) return;
  throw new UsageError(
    'source_elsewhere',
    { source: name, known, given: baseUrl },
    `source "${name}" of this mirror is a copy of ${known}, and not of ${baseUrl}`,
  );
}

function isLocal(url: string): boolean {
  return isLoopback(new URL(url).hostname);
}
