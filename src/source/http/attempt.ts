/** Why one attempt at a request failed, and whether another may succeed. Never leaves src/source/http. */
export class AttemptFailed extends Error {
  override readonly name: string = 'AttemptFailed';
  readonly retryable: boolean;
  /** The action to take, if it is not to wait. */
  readonly hint: string | undefined;
  /** The least time in ms that the server asked to be left alone; null if it asked for none. */
  readonly retryAfterMs: number | null;
  /** A time in ms that the attempt certainly took. */
  readonly tookMs: number;
  /** The API answers, but not with this page: a smaller one, or another place of the list, may work. */
  readonly isOfPage: boolean;
  readonly isTooLarge: boolean;

  constructor(
    message: string,
    options: {
      retryable: boolean;
      hint?: string | undefined;
      retryAfterMs?: number | null;
      tookMs?: number;
      isOfPage?: boolean;
      isTooLarge?: boolean;
    },
  ) {
    super(message);
    this.retryable = options.retryable;
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.tookMs = options.tookMs ?? 0;
    this.isOfPage = options.isOfPage ?? options.isTooLarge ?? false;
    this.isTooLarge = options.isTooLarge ?? false;
  }
}

/** The body of a good answer is not what the API promises: it is cut off, or not from the API at all. */
export class BadBodyError extends AttemptFailed {
  constructor(what: string, options: { hint?: string } = {}) {
    super(`a body that is not the JSON it should be (${what})`, {
      ...options,
      retryable: true,
      isOfPage: true,
    });
  }
}

/** The body of a good answer is larger than we accept: asking for the same again brings the same. */
export class TooLargeError extends AttemptFailed {
  constructor(bytes: number) {
    super(`a body of more than ${bytes / 1024 ** 2} MB`, {
      retryable: false,
      isTooLarge: true,
      hint: 'Ask for fewer tasks a page (sync.pageSize).',
    });
  }
}
