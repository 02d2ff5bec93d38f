import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../frame/Icon.js";
import type { KnownConversation } from "./conversations.js";
import type { ListActions } from "./ConversationList.js";
import { hashOf } from "./hash.js";

/** A conversation of the list: opened, renamed, deleted. */
export function ConversationItem({ conversation: { name, title }, isCurrent, actions, chosen }: { conversation: KnownConversation; isCurrent: boolean; actions: ListActions; chosen?: () => void }) {
  const [mode, setMode] = useState<"shown" | "renamed" | "deleted">("shown");
  const first = useRef<HTMLElement>(null);
  const isBack = useRef(false);
  useLayoutEffect(() => {
    // The focus goes where the keyboard went, and back.
    if (mode !== "shown" || isBack.current) {
      first.current?.focus();
    }

    if (first.current instanceof HTMLInputElement) {
      first.current.select();
    }

    isBack.current = mode !== "shown";
  }, [mode]);
  const close = (): void => setMode("shown");
  const closeOnEscape = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      event.stopPropagation();
      event.preventDefault();
      close();
    }
  };

  if (mode === "renamed") {
    const rename = (text: string): void => {
      actions.rename(name, text);
      close();
    };
    return (
      <li data-testid="conversation-item">
        <form onKeyDown={closeOnEscape} onSubmit={(event) => { event.preventDefault(); rename(new FormData(event.currentTarget).get("title") as string); }}>
          <input ref={first as never} name="title" dir="auto" aria-label="Name of the conversation" defaultValue={title} maxLength={200} data-testid="rename-field" />
          <button type="submit" class="icon-button" aria-label="Keep this name" title="Keep this name"><Icon name="check" /></button>
        </form>
      </li>
    );
  }

  if (mode === "deleted") {
    return (
      <li class="asks" data-testid="conversation-item" onKeyDown={closeOnEscape}>
        <p>Delete “{title}” from this device?</p>
        <div class="buttons">
          <button ref={first as never} type="button" class="button" onClick={close}>Keep</button>
          <button type="button" class="button danger" data-testid="delete-really" onClick={() => actions.remove(name)}>Delete</button>
        </div>
      </li>
    );
  }

  return (
    <li data-testid="conversation-item" data-current={isCurrent ? "" : undefined}>
      <a ref={first as never} href={hashOf(name)} dir="auto" aria-current={isCurrent ? "page" : undefined} title={title} onClick={chosen}>{title}</a>
      <button type="button" class="icon-button" aria-label={`Rename ${title}`} title="Rename" data-testid="rename" onClick={() => setMode("renamed")}><Icon name="edit" /></button>
      <button type="button" class="icon-button" aria-label={`Delete ${title}`} title="Delete" data-testid="delete" onClick={() => setMode("deleted")}><Icon name="remove" /></button>
    </li>
  );
}
