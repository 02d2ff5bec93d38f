import { useState } from "preact/hooks";
import type { KnownConversation } from "./conversations.js";
import { ConversationItem } from "./ConversationItem.js";

export interface ListActions {
  rename(name: string, title: string): void;
  remove(name: string): void;
}

/** The conversations of this device, the newest first. */
export function ConversationList({ list, current, actions, chosen }: { list: readonly KnownConversation[]; current: string; actions: ListActions; chosen?: () => void }) {
  const [sought, setSought] = useState("");
  const words = sought.trim().toLocaleLowerCase();
  const shown = words === "" ? list : list.filter(({ title }) => title.toLocaleLowerCase().includes(words));
  return (
    <>
      {list.length > 8 && (
        <p class="search">
          <label class="unseen" for="search">Search the conversations</label>
          <input id="search" type="search" dir="auto" placeholder="Search" value={sought} onInput={({ currentTarget }) => setSought(currentTarget.value)} />
        </p>
      )}
      {shown.length === 0
        ? <p class="note">{list.length === 0 ? "What you ask is listed here, on this device." : "Nothing of that name."}</p>
        : (
          <ul class="conversations">
            {shown.map((one) => <ConversationItem key={one.name} conversation={one} isCurrent={one.name === current} actions={actions} {...(chosen === undefined ? {} : { chosen })} />)}
          </ul>
        )}
    </>
  );
}
