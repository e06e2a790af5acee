/** A source without a run for this long, in ms, takes over no task: it may have left the settings. */
export const LOOKED_AFTER_MS = 7 * 86_400_000;
