import { onWritten, readList, write } from "../storage/storage.js";

/** A conversation that this device knows. */
export interface KnownConversation {
  /** The channel. */
  readonly name: string;
  /** The first question, or what the user called it. */
  readonly title: string;
  /** When it was last asked something, in milliseconds since 1970. */
  readonly usedAt: number;
}

const key = "conversations";
const mostKept = 200;
const longestTitle = 80;

export function conversations(): readonly KnownConversation[] {
  return readList(key, isKnown);
}

/** The list with a question asked in a conversation: it comes first, and is called by its first question. */
export function withQuestion(list: readonly KnownConversation[], name: string, question: string, now: number): readonly KnownConversation[] {
  const known = list.find((one) => one.name === name);
  return [{ name, title: known?.title ?? titleOf(question), usedAt: now }, ...list.filter((one) => one.name !== name)].slice(0, mostKept);
}

/** The list with another title for a conversation; an empty one changes nothing. */
export function renamed(list: readonly KnownConversation[], name: string, title: string): readonly KnownConversation[] {
  const next = titleOf(title);
  return next === "" ? list : list.map((one) => (one.name === name ? { ...one, title: next } : one));
}

export function without(list: readonly KnownConversation[], name: string): readonly KnownConversation[] {
  return list.filter((one) => one.name !== name);
}

/** Keeps what a change makes of the list as it is on the device now: another tab may have changed it. */
export function change(changed: (list: readonly KnownConversation[]) => readonly KnownConversation[]): readonly KnownConversation[] {
  const list = changed(conversations());
  write(key, list);
  return list;
}

export function onChangedElsewhere(changed: () => void): () => void {
  return onWritten(key, changed);
}

/** A text on one line, not too long; no emoji is cut in two. */
export function titleOf(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  const characters = [...line.slice(0, longestTitle * 4)];
  return characters.length > longestTitle ? `${characters.slice(0, longestTitle - 1).join("").trimEnd()}…` : line;
}

function isKnown(value: unknown): value is KnownConversation {
  const one = value as Partial<KnownConversation> | null;
  return typeof one?.name === "string" && typeof one.title === "string" && typeof one.usedAt === "number";
}
