import { read, write } from "./storage.js";

/** What was typed and not sent, by what it is for: a conversation, or a question that is being edited. */
const keyOf = (place: string): string => `draft:${place}`;

export function draftOf(place: string): string {
  const draft = read(keyOf(place));
  return typeof draft === "string" ? draft : "";
}

/** Whether it would be there after a reload. */
export function keepDraft(place: string, text: string): boolean {
  return write(keyOf(place), text === "" ? null : text);
}
