import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../frame/Icon.js";
import type { KnownConversation } from "./conversations.js";
import type { ListActions } from "./ConversationList.js";
import { DeleteQuestion } from "./DeleteQuestion.js";
import { hashOf } from "./hash.js";
import { RenameForm } from "./RenameForm.js";

/** A conversation of the list: opened, renamed, deleted. */
export function ConversationItem({ conversation: { name, title }, isCurrent, actions, chosen }: { conversation: KnownConversation; isCurrent: boolean; actions: ListActions; chosen?: () => void }) {
  const [mode, setMode] = useState<"shown" | "renamed" | "deleted">("shown");
  const link = useRef<HTMLAnchorElement>(null);
  const wasOpen = useRef(false);
  useLayoutEffect(() => {
    // The keyboard comes back to where it left.
    if (mode === "shown" && wasOpen.current) {
      link.current!.focus();
    }

    wasOpen.current = mode !== "shown";
  }, [mode]);
  const close = (): void => setMode("shown");
  const closeOnEscape = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      event.stopPropagation();
      event.preventDefault();
      close();
    }
  };

  return (
    <li data-testid="conversation-item" data-current={isCurrent ? "" : undefined} onKeyDown={closeOnEscape}>
      {mode === "renamed" && (
        <RenameForm
          title={title}
          rename={(text) => {
            actions.rename(name, text);
            close();
          }}
        />
      )}
      {mode === "deleted" && <DeleteQuestion title={title} keep={close} remove={() => actions.remove(name)} />}
      {mode === "shown" && (
        <>
          <a ref={link} href={hashOf(name)} dir="auto" aria-current={isCurrent ? "page" : undefined} title={title} onClick={chosen}>{title}</a>
          <button type="button" class="icon-button" aria-label={`Rename ${title}`} title="Rename" data-testid="rename" onClick={() => setMode("renamed")}><Icon name="edit" /></button>
          <button type="button" class="icon-button" aria-label={`Delete ${title}`} title="Delete" data-testid="delete" onClick={() => setMode("deleted")}><Icon name="remove" /></button>
        </>
      )}
    </li>
  );
}
