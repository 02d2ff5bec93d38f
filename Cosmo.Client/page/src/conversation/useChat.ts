import { type AskOptions, type Chat, connect, type ConnectionState, RefusedError, type Turn } from "@cosmo/client";
import { useEffect, useState } from "preact/hooks";
import { type Config, negotiate } from "../config.js";
import { forgetSent, sentQuestions } from "../storage/sent.js";

const pageSize = 50;

/** A conversation as it is shown. */
export interface ChatView {
  /** Null until the page knows where the functions are. */
  readonly chat: Chat | null;
  readonly turns: readonly Turn[];
  readonly connection: ConnectionState;
  /** Whether everything that was said before is there, so that nothing shown now is a lack of news. */
  readonly isLoaded: boolean;
  /** Reads what was said before the first turn; null where there is no more. */
  readonly loadOlder: (() => Promise<void>) | null;
}

const nothing: ChatView = { chat: null, turns: [], connection: { name: "connecting" }, isLoaded: false, loadOlder: null };

/** Opens a channel, for as long as it is the one that is shown. */
export function useChat(config: Config | null, channel: string): ChatView {
  const [shown, setShown] = useState({ channel, view: nothing });
  useEffect(() => {
    if (config === null) {
      return undefined;
    }

    const { functionsUrl, negotiateUrl } = config;
    const chat = connect({
      api: functionsUrl,
      channel,
      ...(negotiateUrl === undefined ? {} : { negotiate: () => negotiate(negotiateUrl, channel) }),
    });
    let view: ChatView = { ...nothing, chat };
    const show = (change: Partial<ChatView>): void => {
      view = { ...view, ...change };
      setShown({ channel, view });
    };
    let isHistoryThere = false;

    const load = async (before?: string): Promise<void> => {
      const { next } = await chat.history({ limit: pageSize, ...(before === undefined ? {} : { before }) });
      show({ turns: chat.messages, loadOlder: next === undefined ? null : () => load(next) });
    };

    chat.on("messages", (turns) => show({ turns }));
    chat.on("state", (connection) => show({ connection }));
    chat.on("caughtUp", () => {
      if (!isHistoryThere) {
        load().then(
          () => {
            isHistoryThere = true;
            show({ isLoaded: true });
          },
          // Shown without what was said before; asked again after the next connection.
          () => show({ isLoaded: true }),
        );
      }
    });
    show({ connection: chat.state });
    for (const { id, text, replaces } of sentQuestions(channel)) {
      deliver(chat, channel, text, { messageId: id, mayHaveBeenSent: true, ...(replaces === undefined ? {} : { replaces }) });
    }

    return () => chat.close();
  }, [config, channel]);
  // The channel before is not shown any more, also while this one is only about to be opened.
  return shown.channel === channel ? shown.view : nothing;
}

/** Asks, and forgets the question on this device once the server has it or has refused it. The turn shows what became of it. */
export function deliver(chat: Chat, channel: string, text: string, options: AskOptions & { messageId: string }): void {
  const forget = (): void => forgetSent(channel, options.messageId);
  chat.ask(text, options).then(forget, (error: unknown) => (error instanceof RefusedError ? forget() : undefined));
}
