/** What every error of this package is; `code` tells them apart. */
export abstract class CosmoError extends Error {
  abstract readonly code: "refused" | "unavailable" | "unknown_outcome" | "not_sent" | "closed";

  override get name(): string {
    return this.constructor.name;
  }
}

/** The server said no; asking again in the same way is useless. `message` is the server's sentence. */
export class RefusedError extends CosmoError {
  readonly code = "refused";

  /**
   * @param sentence what the server said, for the user
   * @param details why, for developers
   * @param status the HTTP status, where it was said over HTTP
   */
  constructor(sentence: string, readonly details: string | null = null, readonly status: number | null = null) {
    super(sentence);
  }
}

/** The server could not be reached, or is not able to answer at the moment. Nothing happened; it may be tried again. */
export class UnavailableError extends CosmoError {
  readonly code = "unavailable";

  /**
   * @param status the HTTP status; null when there was no answer
   * @param retryAfter the milliseconds that the server asked to wait
   */
  constructor(message: string, readonly status: number | null = null, readonly retryAfter: number | null = null) {
    super(message);
  }
}

/** It was sent, and nobody can say whether it arrived. What the server says later about it counts all the same. */
export class UnknownOutcomeError extends CosmoError {
  readonly code = "unknown_outcome";
}

/** A question that never left; it may be asked again. */
export class NotSentError extends CosmoError {
  readonly code = "not_sent";
}

/** The conversation was closed by `close()` before this ended. */
export class ClosedError extends CosmoError {
  readonly code = "closed";

  constructor() {
    super("The conversation was closed.");
  }
}
