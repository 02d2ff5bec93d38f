import { readList, write } from "./storage.js";

export type Rating = "up" | "down";

/** More than anybody scrolls back to. */
const mostKept = 200;
const keyOf = (channel: string): string => `ratings:${channel}`;

/** What this device said of an answer. */
export function ratingOf(channel: string, messageId: string): Rating | null {
  return ratings(channel).find(([id]) => id === messageId)?.[1] ?? null;
}

export function keepRating(channel: string, messageId: string, rating: Rating): void {
  write(keyOf(channel), [...ratings(channel).filter(([id]) => id !== messageId), [messageId, rating]].slice(-mostKept));
}

export function forgetRatings(channel: string): void {
  write(keyOf(channel), null);
}

const ratings = (channel: string): [string, Rating][] => readList(keyOf(channel), isRating);

function isRating(value: unknown): value is [string, Rating] {
  return Array.isArray(value) && typeof value[0] === "string" && (value[1] === "up" || value[1] === "down");
}
