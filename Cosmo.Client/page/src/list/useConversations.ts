import { useEffect, useState } from "preact/hooks";
import { keepDraft } from "../storage/drafts.js";
import { forgetRatings } from "../storage/ratings.js";
import { forgetAllSent } from "../storage/sent.js";
import { change, conversations, type KnownConversation, onChangedElsewhere, renamed, withQuestion, without } from "./conversations.js";

/** The list, as this tab and the others make it. */
export function useConversations(): { list: readonly KnownConversation[]; asked(name: string, question: string): void; rename(name: string, title: string): void; remove(name: string): void } {
  const [list, setList] = useState(conversations);
  useEffect(() => onChangedElsewhere(() => setList(conversations())), []);
  return {
    list,
    asked: (name, question) => setList(change((before) => withQuestion(before, name, question, Date.now()))),
    rename: (name, title) => setList(change((before) => renamed(before, name, title))),
    remove(name) {
      keepDraft(name, "");
      forgetAllSent(name);
      forgetRatings(name);
      setList(change((before) => without(before, name)));
    },
  };
}
