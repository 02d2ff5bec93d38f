import type { Chat, Turn } from "@cosmo/client";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Rating } from "../storage/ratings.js";

/** What the parts of a conversation can do with it. */
export interface ChatActions {
  readonly chat: Chat;
  /** Asks at the end, or in the place of another question. */
  ask(text: string, replaces?: string): void;
  /** Asks a turn's question once more: in its own place if it is the last one. */
  askAgain(turn: Turn): void;
  /** Ends an answer, or takes a question back. Whether that could be said to the server. */
  stop(turn: Turn): Promise<boolean>;
  /** Says what the user thinks of an answer, and of a bad one perhaps why. Rejects where that could not be said to the server. */
  rate(messageId: string, rating: Rating, words?: string): Promise<void>;
  /** What was said of an answer on this device. */
  ratingOf(messageId: string): Rating | null;
}

export const ChatContext = createContext<ChatActions | null>(null);

export function useChatActions(): ChatActions {
  return useContext(ChatContext)!;
}
