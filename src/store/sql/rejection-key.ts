import { createRequire } from 'node:module';

/** Returns the key of a rejected row without an id: the same for the same payload. */
export function keyOfPayload(payload: string): string {
  // Rarely needed, and node:crypto takes some ms to load.
  const { createHash } = createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto');
  return `sha256:${createHash('sha256').update(payload).digest('hex')}`;
}
