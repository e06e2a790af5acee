/**
 * How long a lease holds after its holder last renewed it, in ms. Then another process may take it over: daemons
 * look every few seconds, so that one of them has gone on within a minute after the holder has died.
 */
export const LEASE_MS = 48_000;

/** How often the holder renews it, in ms: three renewals may fail before the lease is lost. */
export const RENEW_MS = LEASE_MS / 4;

/** A write does not renew a lease younger than this, in ms: each renewal writes one more page. */
export const FRESH_MS = RENEW_MS / 3;

/** How long a hook's lease holds after it was renewed, in ms. An attempt at one event takes 30 s at most. */
export const HOOK_LEASE_MS = 48_000;

/** How often it is renewed while a hook's events are read, in ms. Each delivery renews it, too. */
export const HOOK_RENEW_MS = HOOK_LEASE_MS / 4;
