/** How long a lease holds after its holder last said that it lives, in ms. Then another process may take it over. */
export const LEASE_MS = 60_000;

/** How often the holder says so, in ms: three times may fail before the lease is lost. */
export const RENEW_MS = LEASE_MS / 4;

/** A lease that is younger than this, in ms, is not renewed by a write: each renewal is a page more to write. */
export const FRESH_MS = RENEW_MS / 3;
