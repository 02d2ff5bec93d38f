import { read, readOfTab, write, writeOfTab } from "./storage.js";

/** What was typed and not sent, by what it is for: a conversation, or a question that is being edited. */
const keyOf = (place: string): string => `draft:${place}`;

/** The tab's own; in a tab that has none, such as one that was opened anew, what was typed last in any. */
export function draftOf(place: string): string {
  const draft = readOfTab(keyOf(place)) ?? read(keyOf(place));
  return typeof draft === "string" ? draft : "";
}

/** Whether it would be there after a reload. */
export function keepDraft(place: string, text: string): boolean {
  const isInTab = writeOfTab(keyOf(place), text);
  return write(keyOf(place), text === "" ? null : text) || isInTab;
}
