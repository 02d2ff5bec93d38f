import type { Address } from "./address.js";
import type { AskOptions, Chat } from "./chat.js";
import { connect } from "./connect.js";
import { ClosedError, type CosmoError, RefusedError } from "./errors.js";
import type { ConnectOptions } from "./options.js";
import { Progress, type Step } from "./progress.js";
import { isOver, type Turn } from "./turn.js";
import type { ToolCall } from "./updates.js";

/** How to reach any channel. */
export interface ChannelsOptions extends Omit<ConnectOptions, "channel" | "negotiate"> {
  /** In the place of `token`: asks the host application, as `connect` does, for a channel. */
  readonly negotiate?: (channel: string) => Promise<Address>;
}

/** The conversations that are open: those in use, and the last one that was used. */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #open = new Map<string, OpenChannel>();
  #last: OpenChannel | null = null;

  constructor(options: ChannelsOptions) {
    this.#options = options;
  }

  /** The conversation in a channel, without a hold on it: it stays open until another channel is used. */
  chat(name: string): Chat {
    const held = this.hold(name);
    held.release();
    return held.chat;
  }

  /** Opens a conversation, or shares the one that is open; it is there until it is released. */
  hold(name: string): HeldChannel {
    let channel = this.#open.get(name);
    if (channel === undefined) {
      const { negotiate, ...options } = this.#options;
      channel = new OpenChannel(connect({ ...options, channel: name, ...(negotiate === undefined ? {} : { negotiate: () => negotiate(name) }) }));
      this.#open.set(name, channel);
    } else if (channel.chat.state.name === "refused") {
      channel.chat.reconnect();
    }

    const held = channel;
    held.holders++;
    this.#last = held;
    this.#tidy();
    let isHeld = true;
    const release = (): void => {
      held.holders -= isHeld ? 1 : 0;
      isHeld = false;
      this.#tidy();
    };
    return { chat: held.chat, paused: held.paused, caughtUp: (signal) => held.caughtUp(signal), release };
  }

  /** Closes them all. What is being answered goes on at the server. */
  close(): void {
    this.#open.forEach(({ chat }) => chat.close());
    this.#open.clear();
  }

  #tidy(): void {
    for (const [name, channel] of this.#open) {
      if (channel.holders === 0 && channel !== this.#last) {
        this.#open.delete(name);
        channel.chat.close();
      }
    }
  }
}

/** A conversation that is in use. */
export interface HeldChannel {
  readonly chat: Chat;
  /** How much was told of the answers that wait for an approval. */
  readonly paused: Map<string, Progress>;
  /** Resolves when nothing is missing of what the server said. Rejects where the server does not let this client in. */
  caughtUp(signal?: AbortSignal): Promise<void>;
  release(): void;
}

class OpenChannel {
  readonly chat: Chat;
  readonly paused = new Map<string, Progress>();
  holders = 0;
  #isCaughtUp = false;

  constructor(chat: Chat) {
    this.chat = chat;
    chat.on("caughtUp", () => (this.#isCaughtUp = true));
    chat.on("state", ({ name }) => (this.#isCaughtUp &&= name === "connected" || name === "renewing"));
  }

  caughtUp(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const ends: (() => void)[] = [];
      const end = (settle: () => void): void => {
        ends.forEach((stop) => stop());
        settle();
      };
      if (signal?.aborted === true || this.#isCaughtUp) {
        end(() => (this.#isCaughtUp ? resolve() : reject(signal!.reason)));
        return;
      }

      const aborted = (): void => end(() => reject(signal!.reason));
      signal?.addEventListener("abort", aborted);
      ends.push(
        () => signal?.removeEventListener("abort", aborted),
        this.chat.on("caughtUp", () => end(resolve)),
        onceLost(this.chat, (error) => end(() => reject(error))),
        this.chat.on("fault", (error) => error instanceof RefusedError && end(() => reject(error))),
      );
    });
  }
}

/** Asks. Where this client is not let in, or the conversation is closed, the question is taken back and does not leave later. */
export async function ask({ chat }: HeldChannel, text: string, options: AskOptions & { readonly messageId: string }): Promise<void> {
  let end = (): void => {};
  const lost = new Promise<never>((_, reject) => {
    end = onceLost(chat, (error) => {
      reject(error);
      queueMicrotask(() => chat.cancel(options.messageId).catch(() => {}));
    });
  });
  try {
    await Promise.race([chat.ask(text, options), lost]);
  } finally {
    end();
  }
}

/** How following an answer ended. */
export type Outcome =
  | { readonly type: "over"; readonly turn: Turn }
  /** A person has to decide on these calls. Nothing more is told before. */
  | { readonly type: "waits"; readonly turn: Turn; readonly calls: readonly ToolCall[] }
  /** Nothing more can be heard. */
  | { readonly type: "lost"; readonly error: CosmoError };

/** Which answer is followed, and how. */
export interface Following {
  readonly messageId: string;
  /** What was told of it before. */
  readonly progress?: Progress;
  readonly told: (step: Step) => void;
  readonly ended: (outcome: Outcome) => void;
}

/** Tells an answer, from what is there already to its end. Returns what ends the telling; the answer goes on then. */
export function follow({ chat, paused }: HeldChannel, { messageId, progress = new Progress(), told, ended }: Following): () => void {
  let isEnded = false;
  const ends: (() => void)[] = [];
  const stop = (): void => {
    isEnded = true;
    ends.forEach((end) => end());
  };
  const end = (outcome: Outcome): void => {
    if (!isEnded) {
      stop();
      ended(outcome);
    }
  };
  const take = (turn: Turn): void => {
    if (isEnded || turn.id !== messageId) {
      return;
    }

    progress.take(turn).forEach(told);
    const calls = turn.tools.filter(({ state, call_id }) => state === "awaiting_approval" && !progress.decided.has(call_id));
    if (isOver(turn)) {
      end({ type: "over", turn });
    } else if (calls.length > 0) {
      paused.set(messageId, progress);
      end({ type: "waits", turn, calls });
    }
  };
  ends.push(chat.on("turn", take), onceLost(chat, (error) => end({ type: "lost", error })));
  chat.messages.forEach(take);
  return stop;
}

/** What a person decided. */
export interface Decision {
  readonly callId: string;
  readonly approved: boolean;
  readonly reason?: string | undefined;
}

/** An answer that goes on after a decision. */
export interface Continued {
  readonly messageId: string;
  readonly progress: Progress;
  /** Nothing of it was told on this page. */
  readonly isUntold: boolean;
}

/** Tells the server what was decided on calls of one message, and answers how its answer goes on. What others decided before counts. */
export async function decide({ chat, paused, caughtUp }: HeldChannel, decisions: readonly Decision[]): Promise<Continued> {
  await caughtUp();
  const turns = decisions.map(({ callId }) => chat.messages.filter(({ tools }) => tools.some(({ call_id }) => call_id === callId)).at(-1));
  const messageId = turns[0]?.id;
  if (messageId === undefined || turns.some((turn) => turn?.id !== messageId)) {
    throw new RefusedError("Nothing waits for this decision any more.");
  }

  const progress = paused.get(messageId) ?? new Progress();
  for (const { callId, approved, reason } of decisions) {
    try {
      await chat.approve(messageId, callId, approved, reason);
    } catch (error) {
      if (!(error instanceof RefusedError) || (error.status !== 404 && error.status !== 409)) {
        throw error;
      }
    }

    progress.decided.add(callId);
  }

  return { messageId, progress, isUntold: !paused.delete(messageId) };
}

function onceLost(chat: Chat, lost: (error: CosmoError) => void): () => void {
  return chat.on("state", (state) => {
    if (state.name === "refused" || state.name === "closed") {
      lost(state.name === "refused" ? state.reason : new ClosedError());
    }
  });
}
