import { type ChatTransport, generateId, isToolUIPart, type UIMessage, type UIMessageChunk } from "ai";
import { ask, Channels, type ChannelsOptions, type Continued, decide, type Decision, follow, type HeldChannel } from "../channels.js";
import type { Chat } from "../chat.js";
import { RefusedError } from "../errors.js";
import { isOver, type Turn } from "../turn.js";
import { isObject } from "../updates.js";
import { Chunks } from "./chunks.js";
import { answerId, type CosmoUIMessage, messagesOf } from "./messages.js";

export type { ChannelsOptions } from "../channels.js";
export { type CosmoMetadata, type CosmoUIMessage, messagesOf } from "./messages.js";

type SendOptions<M extends UIMessage> = Parameters<ChatTransport<M>["sendMessages"]>[0];
type ReconnectOptions<M extends UIMessage> = Parameters<ChatTransport<M>["reconnectToStream"]>[0];

/** Which answer is streamed. */
interface Wanted {
  readonly messageId: string;
  readonly signal: AbortSignal | undefined;
  /** The stream goes on with a message that the page has. */
  readonly continued?: Continued;
}

/**
 * Cosmo as a transport of the AI SDK's `useChat`, over Web PubSub. The chat's id is the channel. `stop` ends the answer at the server, also of a stream that was
 * resumed; a page that is reloaded or closed ends nothing.
 */
export class CosmoChatTransport<M extends UIMessage = CosmoUIMessage> implements ChatTransport<M> {
  /** `reconnectToStream` tells an answer from its beginning. */
  readonly resumeStreamIsReplay = true;
  readonly #channels: Channels;
  /** Which message of Cosmo's a question of the page was asked as last. */
  readonly #asked = new Map<string, string>();
  /** How often each chat was resumed. */
  readonly #resumes = new Map<string, number>();
  /** The chats that stream, each as often as it does. */
  readonly #streaming: string[] = [];
  /** The answers that are told, or that somebody was called for. */
  readonly #told = new Set<string>();

  constructor(options: ChannelsOptions) {
    this.#channels = new Channels(options);
  }

  /** The conversation of a chat: its turns, the state of its connection, feedback. */
  chat(chatId: string): Chat {
    return this.#channels.chat(chatId);
  }

  /** What was said so far, for the `messages` that a chat begins with. What is being answered comes by `resume`. */
  async history(chatId: string, { limit = 50 }: { limit?: number } = {}): Promise<M[]> {
    const held = this.#channels.hold(chatId);
    try {
      await held.caughtUp();
      await held.chat.history({ limit });
      return messagesOf(held.chat.messages) as unknown as M[];
    } finally {
      held.release();
    }
  }

  /**
   * Calls when something is answered that this page does not stream, and it streams nothing else: a question from another tab, or an answer that goes on since somebody
   * decided elsewhere. Then it is time for `history` and `resumeStream`. Returns what ends that.
   */
  onElsewhere(chatId: string, listener: () => void): () => void {
    const held = this.#channels.hold(chatId);
    const end = held.chat.on("turn", (turn) => {
      const isUnderWay = !isOver(turn) && turn.tools.every(({ state }) => state !== "awaiting_approval");
      if (isUnderWay && !this.#streaming.includes(chatId) && !this.#told.has(keyOf(chatId, turn.id))) {
        this.#told.add(keyOf(chatId, turn.id));
        listener();
      }
    });
    return () => {
      end();
      held.release();
    };
  }

  /**
   * Asks the last question, in the place of its last answer where that is asked for or where it was edited. Where a person decided on calls, it tells that instead and
   * goes on with their answer. `body` may name a `profile`.
   */
  async sendMessages({ trigger, chatId, messageId, messages, abortSignal, body }: SendOptions<M>): Promise<ReadableStream<UIMessageChunk>> {
    const message = messages.find(({ id }) => id === messageId) ?? messages.at(-1);
    const question = messages.filter(({ role }) => role === "user").at(-1);
    const held = this.#hold(chatId);
    try {
      abortSignal?.throwIfAborted();
      return await (message?.role === "assistant" && trigger === "submit-message"
        ? this.#goOn(held, chatId, decisionsOf(message), abortSignal)
        : this.#ask(held, chatId, question, trigger === "regenerate-message" || messageId !== undefined, body, abortSignal));
    } catch (error) {
      held.release();
      throw error;
    }
  }

  /** All of what is being answered, and what comes; null where nothing is. */
  async reconnectToStream({ chatId, abortSignal }: ReconnectOptions<M>): Promise<ReadableStream<UIMessageChunk> | null> {
    this.#resumes.set(chatId, this.#resumesOf(chatId) + 1);
    const held = this.#hold(chatId);
    try {
      await held.caughtUp(abortSignal);
      const turn = held.chat.messages.find((one) => !isOver(one));
      if (turn !== undefined) {
        return this.#stream(held, chatId, { messageId: turn.id, signal: abortSignal });
      }
    } catch (error) {
      held.release();
      throw error;
    }

    held.release();
    return null;
  }

  /** Closes the connections. What is being answered goes on at the server. */
  close(): void {
    this.#channels.close();
  }

  async #ask(
    held: HeldChannel, chatId: string, question: UIMessage | undefined, isAgain: boolean, body: object | undefined, signal: AbortSignal | undefined,
  ): Promise<ReadableStream<UIMessageChunk>> {
    const text = (question?.parts ?? []).map((part) => (part.type === "text" ? part.text : "")).join("");
    if (question === undefined || text === "") {
      throw new RefusedError("There is no question.", "The messages have no user message with text.");
    }

    const key = keyOf(chatId, question.id);
    const before = this.#asked.get(key) ?? question.id;
    const profile = isObject(body) ? body["profile"] : undefined;
    const messageId = isAgain ? generateId() : question.id;
    const options = {
      messageId,
      ...(typeof profile === "string" ? { profile } : {}),
      ...(isAgain && wasAsked(held.chat.messages.find(({ id }) => id === before)) ? { replaces: before } : {}),
    };
    const cancelled = (): void => this.#cancel(chatId, messageId);
    signal?.addEventListener("abort", cancelled);
    try {
      await ask(held, text, options);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", cancelled);
    }

    this.#asked.set(key, messageId);
    signal?.throwIfAborted();
    return this.#stream(held, chatId, { messageId, signal });
  }

  async #goOn(held: HeldChannel, chatId: string, decisions: readonly Decision[], signal: AbortSignal | undefined): Promise<ReadableStream<UIMessageChunk>> {
    const continued = await decide(held, decisions);
    const { messageId } = continued;
    if (signal?.aborted === true) {
      this.#cancel(chatId, messageId);
      signal.throwIfAborted();
    }

    return this.#stream(held, chatId, { messageId, signal, continued });
  }

  #stream(held: HeldChannel, chatId: string, { messageId, signal, continued }: Wanted): ReadableStream<UIMessageChunk> {
    const chunks = new Chunks();
    const key = keyOf(chatId, messageId);
    this.#told.add(key);
    let leave = (): void => {};
    return new ReadableStream<UIMessageChunk>({
      start: (controller) => {
        let isOpen = true;
        const say = (said: readonly UIMessageChunk[]): void => {
          if (isOpen) {
            said.forEach((chunk) => controller.enqueue(chunk));
          }
        };
        let stop = (): void => {};
        leave = (): void => {
          isOpen = false;
          stop();
          signal?.removeEventListener("abort", aborted);
          held.release();
        };
        const close = (said: readonly UIMessageChunk[]): void => {
          if (isOpen) {
            say(said);
            leave();
            controller.close();
          }
        };
        const aborted = (): void => {
          // Who resumes while a resumed stream is open aborts that one, and means no stop.
          const resumes = this.#resumesOf(chatId);
          queueMicrotask(() => resumes === this.#resumesOf(chatId) && this.#cancel(chatId, messageId));
          close([...chunks.closeText(), { type: "abort" }]);
        };
        signal?.addEventListener("abort", aborted);
        if (continued === undefined) {
          say([{ type: "start", messageId: answerId(messageId), messageMetadata: { messageId } }, { type: "start-step" }]);
        } else {
          say([{ type: "start" }, ...(continued.isUntold ? [{ type: "reset-step" } as const] : [])]);
        }

        stop = follow(held, {
          messageId,
          ...(continued === undefined ? {} : { progress: continued.progress }),
          told: (step) => say(chunks.of(step)),
          ended: (outcome) => {
            if (outcome.type === "lost") {
              close([...chunks.closeText(), { type: "error", errorText: outcome.error.message }]);
            } else if (outcome.type === "waits") {
              this.#told.delete(key);
              close([...chunks.closeText(), { type: "finish-step" }, { type: "finish", finishReason: "tool-calls" }]);
            } else {
              close(chunks.end(outcome.turn));
            }
          },
        });
      },
      cancel: () => leave(),
    });
  }

  /** Holds a channel for a stream, or for finding out whether there is one. */
  #hold(chatId: string): HeldChannel {
    const { release, ...held } = this.#channels.hold(chatId);
    this.#streaming.push(chatId);
    let isHeld = true;
    return {
      ...held,
      release: () => {
        if (isHeld) {
          isHeld = false;
          this.#streaming.splice(this.#streaming.indexOf(chatId), 1);
          release();
        }
      },
    };
  }

  #resumesOf(chatId: string): number {
    return this.#resumes.get(chatId) ?? 0;
  }

  /** Stops an answer at the server, whoever still listens. */
  #cancel(chatId: string, messageId: string): void {
    const held = this.#channels.hold(chatId);
    held.chat
      .cancel(messageId)
      .catch((error: unknown) => error instanceof RefusedError || console.error("The answer could not be stopped.", error))
      .finally(held.release);
  }
}

function keyOf(chatId: string, messageId: string): string {
  return JSON.stringify([chatId, messageId]);
}

/** What a person decided on the calls of a message. */
function decisionsOf({ parts }: UIMessage): Decision[] {
  return parts.filter(isToolUIPart).flatMap(({ state, approval }) =>
    state === "approval-responded" ? [{ callId: approval.id, approved: approval.approved, reason: approval.reason }] : [],
  );
}

/** Whether the server may have a question. */
function wasAsked(turn: Turn | undefined): boolean {
  return turn === undefined || (turn.state !== "refused" && turn.state !== "unsent");
}
