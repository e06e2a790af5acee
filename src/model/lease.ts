/** How long a lease holds after its holder last renewed it, in ms. Then another process may take it over. */
export const LEASE_MS = 60_000;

/** How often the holder renews it, in ms: three renewals may fail before the lease is lost. */
export const RENEW_MS = LEASE_MS / 4;

/** A write does not renew a lease younger than this, in ms: each renewal writes one more page. */
export const FRESH_MS = RENEW_MS / 3;

/** How long a hook's lease holds after it was renewed, in ms. No attempt at one event lasts half as long. */
export const HOOK_LEASE_MS = 60_000;
