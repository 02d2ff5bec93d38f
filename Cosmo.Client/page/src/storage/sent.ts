import { readList, write } from "./storage.js";

/** A question that the server may not have yet: it is asked again after a reload, under the same id. */
export interface SentQuestion {
  readonly id: string;
  readonly text: string;
  readonly replaces?: string;
  /** When it was asked, in milliseconds since 1970. */
  readonly at: number;
}

const mostKept = 50;
/** Nobody expects an older question to leave by itself; its text becomes a draft again. */
const longestWait = 60 * 60_000;
const keyOf = (channel: string): string => `sent:${channel}`;

export function sentQuestions(channel: string): readonly SentQuestion[] {
  return readList(keyOf(channel), isSentQuestion);
}

/** The questions that are too old to be asked again, which are not kept any longer. */
export function takeOutdated(channel: string, now: number): readonly SentQuestion[] {
  const outdated = sentQuestions(channel).filter(({ at }) => now - at > longestWait);
  outdated.forEach(({ id }) => forgetSent(channel, id));
  return outdated;
}

export function keepSent(channel: string, question: SentQuestion): void {
  write(keyOf(channel), [...sentQuestions(channel).filter(({ id }) => id !== question.id), question].slice(-mostKept));
}

/** The server has it, or said no. */
export function forgetSent(channel: string, id: string): void {
  const left = sentQuestions(channel).filter((one) => one.id !== id);
  write(keyOf(channel), left.length === 0 ? null : left);
}

export function forgetAllSent(channel: string): void {
  write(keyOf(channel), null);
}

function isSentQuestion(value: unknown): value is SentQuestion {
  const question = value as Partial<SentQuestion> | null;
  return typeof question?.id === "string" && typeof question.text === "string" && typeof question.at === "number" && (question.replaces === undefined || typeof question.replaces === "string");
}
