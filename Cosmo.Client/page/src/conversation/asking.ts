import type { Chat, Turn } from "@cosmo/client";
import { complain } from "../frame/announce.js";
import { newName } from "../list/hash.js";
import { keepRating, ratingOf } from "../storage/ratings.js";
import { forgetSent, keepSent } from "../storage/sent.js";
import type { ChatActions } from "./ChatContext.js";
import { deliver } from "./useChat.js";

/** The actions of a channel. Every question is kept on the device before it leaves. */
export function actionsOf(chat: Chat, channel: string, asked: (text: string) => void): ChatActions {
  const send = (text: string, messageId: string, replaces: string | undefined, mayHaveBeenSent: boolean): void => {
    keepSent(channel, { id: messageId, text, at: Date.now(), ...(replaces === undefined ? {} : { replaces }) });
    deliver(chat, channel, text, { messageId, mayHaveBeenSent, ...(replaces === undefined ? {} : { replaces }) });
    asked(text);
  };
  const ask = (text: string, replaces?: string): void => send(text, newName(), replaces, false);
  return {
    chat,
    ask,
    askAgain(turn: Turn) {
      if (turn.question === null) {
        return;
      }

      if (turn.messageId !== null && ["unsent", "refused", "lost"].includes(turn.state)) {
        send(turn.question, turn.messageId, turn.replaces ?? undefined, turn.state !== "refused");
        return;
      }

      const isLast = chat.messages.at(-1)?.id === turn.id;
      const isInConversation = turn.messageId !== null && (turn.state !== "failed" || turn.threadId !== null);
      ask(turn.question, isLast && isInConversation ? turn.messageId! : undefined);
    },
    async stop({ id }) {
      // What is taken back is not asked after a reload either.
      forgetSent(channel, id);
      try {
        await chat.cancel(id);
        return true;
      } catch {
        complain("It could not be stopped. Please try again.");
        return false;
      }
    },
    async rate(messageId, rating, words) {
      await chat.feedback(messageId, rating, words);
      keepRating(channel, messageId, rating);
    },
    ratingOf: (messageId) => ratingOf(channel, messageId),
  };
}
