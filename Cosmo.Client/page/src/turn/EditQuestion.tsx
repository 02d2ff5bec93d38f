import type { Turn } from "@cosmo/client";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Limit } from "../composer/Limit.js";
import { isTooLong } from "../composer/limits.js";
import { sendsOnEnter } from "../composer/keys.js";
import { useChatActions } from "../conversation/ChatContext.js";
import { draftOf, keepDraft } from "../storage/drafts.js";

/** Where the draft of an edited question is kept. */
export const placeOf = (id: string): string => `edit:${id}`;

/** Another text in the place of a question. */
export function EditQuestion({ turn, question, isLast, close }: { turn: Turn; question: string; isLast: boolean; close: () => void }) {
  const { ask } = useChatActions();
  const place = placeOf(turn.id);
  const [text, setText] = useState(() => draftOf(place) || question);
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
  }, []);
  const isEmpty = text.trim() === "" || isTooLong(text);
  const end = (): void => {
    keepDraft(place, "");
    close();
  };
  const save = (): void => {
    if (!isEmpty) {
      end();
      ask(text.trim(), turn.threadId !== null || turn.state === "completed" || turn.state === "cancelled" ? turn.messageId! : undefined);
    }
  };
  return (
    <form class="edit" onSubmit={(event) => { event.preventDefault(); save(); }}>
      <label class="unseen" for={place}>The question</label>
      <textarea
        id={place} ref={field} dir="auto" value={text} rows={3} data-testid="edit-field"
        onInput={({ currentTarget }) => { setText(currentTarget.value); keepDraft(place, currentTarget.value); }}
        onKeyDown={(event) => {
          if (sendsOnEnter(event)) {
            event.preventDefault();
            save();
          } else if (event.key === "Escape") {
            end();
          }
        }}
      />
      <Limit text={text} />
      {!isLast && <p class="note">What came after this question is taken out of the conversation.</p>}
      <div class="buttons">
        <button type="button" class="button" onClick={end}>Cancel</button>
        <button type="submit" class="button primary" disabled={isEmpty} data-testid="edit-save">Ask this instead</button>
      </div>
    </form>
  );
}
