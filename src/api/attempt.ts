/** Why one attempt at a request failed, and whether another may fare better. Never leaves src/api. */
export class AttemptFailed extends Error {
  override readonly name: string = 'AttemptFailed';
  readonly retryable: boolean;
  /** What to do, where it is not to wait. */
  readonly hint: string | undefined;
  /** The least time in ms that the server asked to be left alone for; null where it asked for nothing. */
  readonly retryAfterMs: number | null;
  /** A time in ms that the attempt certainly took. */
  readonly tookMs: number;

  constructor(
    message: string,
    options: { retryable: boolean; hint?: string; retryAfterMs?: number | null; tookMs?: number },
  ) {
    super(message);
    this.retryable = options.retryable;
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.tookMs = options.tookMs ?? 0;
  }
}

/** The body of a good answer is not what the API promises: cut off, or not from the API at all. */
export class BadBodyError extends AttemptFailed {
  constructor(what: string) {
    super(`a body that is not the JSON it should be (${what})`, { retryable: true });
  }
}
