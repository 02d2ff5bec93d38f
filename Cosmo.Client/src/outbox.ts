import { backoff } from "./backoff.js";
import { ClosedError, type CosmoError, NotSentError, RefusedError, UnknownOutcomeError } from "./errors.js";
import type { Platform, TimerId } from "./platform.js";

/** How long a question is tried to be delivered. */
export const deliveryLimit = 120_000;
/** A refusal may come a little after the service took the event. */
export const refusalGrace = 300;

/** What an outbox needs. */
export interface OutboxLine {
  /** Whether what is sent now would be taken. */
  canSend(): boolean;
  send(event: string, data: unknown): Promise<void>;
  /** Whether the server has a message. Throws where it cannot be found out. */
  look(messageId: string): Promise<boolean>;
  /** The right to send has ended, says the server. */
  renew(): void;
  /** Delivered: `accepted`. Not: why. */
  settled(messageId: string, error: CosmoError | null): void;
}

/** A question on its way. */
interface Letter {
  readonly messageId: string;
  readonly data: unknown;
  readonly resolve: () => void;
  readonly reject: (error: CosmoError) => void;
  /** Resolves when it is settled. */
  readonly end: Promise<void>;
  readonly ended: () => void;
  limit: TimerId | undefined;
  /** It was sent before, and nobody knows whether it arrived. */
  isUncertain: boolean;
  isSettled: boolean;
  tries: number;
}

const sendingEnded = "The right to send has ended";

/** Delivers questions one after the other, each once: what may have arrived is looked for before it is sent again. */
export class Outbox {
  readonly #platform: Platform;
  readonly #line: OutboxLine;
  #letters: Letter[] = [];
  #isBusy = false;
  #retrying: TimerId | undefined;

  constructor(platform: Platform, line: OutboxLine) {
    this.#platform = platform;
    this.#line = line;
  }

  /** Resolves when the server has it. Rejects with a RefusedError, a NotSentError, an UnknownOutcomeError or a ClosedError; in any case within the limit. */
  deliver(messageId: string, data: unknown, isUncertain: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let ended = (): void => {};
      const end = new Promise<void>((done) => (ended = done));
      const letter: Letter = { end, ended, messageId, data, resolve, reject, isUncertain, isSettled: false, tries: 0, limit: undefined };
      letter.limit = this.#platform.setTimeout(() => this.#settle(letter, overdue(letter)), deliveryLimit);
      this.#letters.push(letter);
      this.hurry();
    });
  }

  /** There may be a connection again. */
  hurry(): void {
    this.#platform.clearTimeout(this.#retrying);
    this.#retrying = undefined;
    if (!this.#isBusy) {
      this.#isBusy = true;
      void this.#work().finally(() => {
        this.#isBusy = false;
        // A question that came while the last one was being settled.
        if (this.#retrying === undefined && this.#letters.length > 0 && this.#line.canSend()) {
          this.hurry();
        }
      });
    }
  }

  /** The server said something about a message: it has it. */
  heardOf(messageId: string): void {
    this.#find(messageId).forEach((letter) => this.#settle(letter, null));
  }

  /** The server did not take a message. Without an id it is the one that is on its way. Returns whose it was. */
  refused(messageId: string | null, error: RefusedError): string | null {
    const letter = messageId === null ? this.#letters.find(({ tries }) => tries > 0) : this.#find(messageId)[0];
    if (letter === undefined) {
      return messageId;
    }

    if (error.details?.startsWith(sendingEnded) === true && letter.tries < 3) {
      letter.isUncertain = false;
      this.#line.renew();
      return null;
    }

    this.#settle(letter, error);
    return letter.messageId;
  }

  /** Takes back a question that has never left. Whether there was one. */
  takeBack(messageId: string): boolean {
    const [letter] = this.#find(messageId);
    if (letter === undefined || letter.tries > 0 || letter.isUncertain) {
      return false;
    }

    this.#settle(letter, new NotSentError("The question was taken back before it left."));
    return true;
  }

  close(): void {
    this.#platform.clearTimeout(this.#retrying);
    [...this.#letters].forEach((letter) => this.#settle(letter, new ClosedError()));
  }

  async #work(): Promise<void> {
    for (let letter = this.#letters[0]; letter !== undefined && this.#line.canSend(); letter = this.#letters[0]) {
      try {
        await this.#advance(letter);
      } catch {
        // Not found out, or not known: the next connection or the next try will tell.
        this.#retrying = this.#platform.setTimeout(() => this.hurry(), backoff(letter.tries, this.#platform.random));
        return;
      }
    }
  }

  async #advance(letter: Letter): Promise<void> {
    if (letter.isUncertain) {
      if (await this.#line.look(letter.messageId)) {
        this.#settle(letter, null);
        return;
      }

      letter.isUncertain = false;
    }

    if (letter.isSettled) {
      return;
    }

    letter.tries++;
    letter.isUncertain = true;
    try {
      // What is settled by an update or a refusal needs no ack: the next question does not wait for it.
      await Promise.race([this.#line.send("message", letter.data), letter.end]);
    } catch (error) {
      if (error instanceof RefusedError) {
        this.#settle(letter, error);
        return;
      }

      letter.isUncertain = !(error instanceof NotSentError);
      throw error;
    }

    if (letter.isSettled) {
      return;
    }

    await this.#refusalOrSilence(letter);
    if (letter.isUncertain) {
      this.#settle(letter, null);
    } else if (!letter.isSettled) {
      throw new NotSentError("The connection has to be renewed.");
    }
  }

  #refusalOrSilence(letter: Letter): Promise<void> {
    return !letter.isUncertain ? Promise.resolve() : Promise.race([letter.end, this.#grace()]);
  }

  #grace(): Promise<void> {
    return new Promise((resolve) => this.#platform.setTimeout(resolve, refusalGrace));
  }

  #settle(letter: Letter, error: CosmoError | null): void {
    if (letter.isSettled) {
      return;
    }

    letter.isSettled = true;
    letter.ended();
    this.#platform.clearTimeout(letter.limit);
    this.#letters = this.#letters.filter((one) => one !== letter);
    this.#line.settled(letter.messageId, error);
    error === null ? letter.resolve() : letter.reject(error);
    this.hurry();
  }

  #find(messageId: string): Letter[] {
    return this.#letters.filter((letter) => letter.messageId === messageId);
  }
}

function overdue(letter: Letter): CosmoError {
  return letter.isUncertain || letter.tries > 0
    ? new UnknownOutcomeError("Nobody can say whether the question arrived.")
    : new NotSentError("There was no connection for too long; the question was not sent.");
}
