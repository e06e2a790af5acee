import { createRequire } from 'node:module';

/** What tells a rejected row without an id from others: the same for the same payload. */
export function keyOfPayload(payload: string): string {
  // Hardly ever needed, and node:crypto takes some ms to load.
  const { createHash } = createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto');
  return `sha256:${createHash('sha256').update(payload).digest('hex')}`;
}
