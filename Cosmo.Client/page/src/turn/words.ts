import type { Turn } from "@cosmo/client";

/** What happens to a turn at the moment; empty for nothing to say. */
export function statusOf(turn: Turn, before: number, isConnected: boolean): string {
  switch (turn.state) {
    case "sending":
      return isConnected ? "Sending…" : "Not connected. Your question leaves as soon as there is a connection.";
    case "queued":
      return before === 0 ? "Waiting for Cosmo…" : `In the queue: ${before === 1 ? "one question is" : `${before} questions are`} before this one.`;
    case "working":
      return turn.tools.some(({ state }) => state === "awaiting_approval") ? "Waiting for your decision" : (turn.status ?? "Cosmo is at work…");
    case "answering":
      return turn.status ?? "";
    default:
      return "";
  }
}

/** The state of a turn as the page's own tests and others' know it. */
export function nameOf({ state }: Turn): string {
  return state === "completed" ? "done" : state === "queued" ? "waiting" : state === "refused" ? "failed" : state;
}

/** Why a completed answer is not whole; empty for one that is. */
export function cutOf({ incomplete }: Turn): string {
  return incomplete === null ? ""
    : incomplete === "content_filter" ? "The answer was cut here by the content filter."
    : incomplete === "max_output_tokens" ? "The answer was cut here: it has grown as long as it may."
    : "The answer was cut here.";
}

/** What went wrong, for the user; null where nothing did. */
export function problemOf({ state, error }: Turn): string | null {
  switch (state) {
    case "failed":
    case "refused":
      return error?.message || "The answer could not be finished.";
    case "unsent":
      return "This question was not sent. It is kept here.";
    case "lost":
      return error === null ? null : "Nothing was heard of this question any more.";
    default:
      return null;
  }
}

/** A length of time, short. */
export function duration(seconds: number): string {
  return seconds < 10 ? `${Math.max(0.1, seconds).toFixed(1)} s` : seconds < 60 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** What is left of a time, as a clock shows it. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
