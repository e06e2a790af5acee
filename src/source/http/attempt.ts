import type { ApiFacts, RequestFacts } from '../../model/error-facts.ts';

type RequestCode = Exclude<keyof ApiFacts, 'simulated_api_ended'>;

/** The code of the error that comes of a failed attempt, with the facts beyond those of every request. */
export type Reason = { [C in RequestCode]: { code: C } & Omit<ApiFacts[C], keyof RequestFacts> }[RequestCode];

/** Why one attempt at a request failed, and whether another may fare better. Never leaves src/source/http. */
export class AttemptFailed extends Error {
  override readonly name: string = 'AttemptFailed';
  readonly retryable: boolean;
  readonly reason: Reason;
  /** The least time in ms that the server asked to be left alone for; null where it asked for nothing. */
  readonly retryAfterMs: number | null;
  /** A time in ms that the attempt certainly took. */
  readonly tookMs: number;
  /** The API answers, but not with this page: a smaller one, or another place of the list, may work. */
  readonly isOfPage: boolean;
  readonly isTooLarge: boolean;

  constructor(
    message: string,
    options: {
      reason: Reason;
      retryable: boolean;
      retryAfterMs?: number | null;
      tookMs?: number;
      isOfPage?: boolean;
      isTooLarge?: boolean;
    },
  ) {
    super(message);
    this.retryable = options.retryable;
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.tookMs = options.tookMs ?? 0;
    this.isOfPage = options.isOfPage ?? options.isTooLarge ?? false;
    this.isTooLarge = options.isTooLarge ?? false;
  }
}

/** The body of a good answer is not what the API promises: it is cut off, or not from the API at all. */
export class BadBodyError extends AttemptFailed {
  constructor(what: string, why: ApiFacts['api_bad_answer']['why'] = 'body') {
    super(`a body that is not the expected JSON (${what})`, {
      reason: { code: 'api_bad_answer', why },
      retryable: true,
      isOfPage: true,
    });
  }
}

/** The body of a good answer is larger than we accept: asking for the same again brings the same. */
export class TooLargeError extends AttemptFailed {
  constructor(bytes: number) {
    super(`a body of more than ${bytes / 1024 ** 2} MB`, {
      reason: { code: 'api_answer_too_large', maxBytes: bytes },
      retryable: false,
      isTooLarge: true,
    });
  }
}
