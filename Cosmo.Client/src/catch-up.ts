import { backoff } from "./backoff.js";
import { RefusedError } from "./errors.js";
import type { Platform, TimerId } from "./platform.js";
import type { Update } from "./updates.js";

/** What a catch-up needs of the conversation. */
export interface CatchUpTarget {
  /** Asks the server for what came after the last update before which nothing is missing. Returns it with what is known to be complete thereby. */
  fetch(): Promise<readonly Update[]>;
  take(update: Update): void;
  /** Everything that was missed up to the beginning of the request has been taken. */
  caughtUp(): void;
  failed(error: unknown): void;
}

/**
 * Asks for what was missed. Updates that arrive meanwhile are held, so that all are taken in their order; if the server does not answer they are taken all the
 * same, and it is asked again.
 */
export class CatchUp {
  readonly #platform: Platform;
  readonly #target: CatchUpTarget;
  #held: Update[] | null = null;
  #current: Promise<boolean> | null = null;
  #following: Promise<boolean> | null = null;
  #retrying: TimerId | undefined;
  #tries = 0;
  #isStopped = false;

  constructor(platform: Platform, target: CatchUpTarget) {
    this.#platform = platform;
    this.#target = target;
  }

  /** Takes an update that came by itself. */
  receive(update: Update): void {
    this.#held === null ? this.#target.take(update) : this.#held.push(update);
  }

  /** Asks with a request that begins from now on. Answers whether the server answered. */
  run(): Promise<boolean> {
    this.#platform.clearTimeout(this.#retrying);
    if (this.#current === null) {
      return (this.#current = this.#run());
    }

    this.#following ??= this.#current.then(() => {
      this.#following = null;
      return this.run();
    });
    return this.#following;
  }

  /** No more tries until the next `run`. */
  rest(): void {
    this.#platform.clearTimeout(this.#retrying);
  }

  stop(): void {
    this.#isStopped = true;
    this.rest();
  }

  async #run(): Promise<boolean> {
    this.#held = [];
    let missed: readonly Update[] | null = null;
    let failure: unknown = null;
    try {
      missed = await this.#target.fetch();
    } catch (error) {
      failure = error;
    }

    const held = this.#held;
    this.#held = this.#current = null;
    if (this.#isStopped) {
      return false;
    }

    [...(missed ?? []), ...held].sort((one, other) => (one.sequence ?? Infinity) - (other.sequence ?? Infinity) || 0).forEach((update) => this.#target.take(update));
    if (missed !== null) {
      this.#tries = 0;
      this.#target.caughtUp();
      return true;
    }

    this.#target.failed(failure);
    if (!(failure instanceof RefusedError) && this.#following === null) {
      this.#retrying = this.#platform.setTimeout(() => void this.run(), backoff(this.#tries++, this.#platform.random));
    }

    return false;
  }
}
