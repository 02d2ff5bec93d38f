// @vitest-environment node
import type { Turn, TurnState } from "@cosmo/client";
import { describe, expect, test } from "vitest";
import { connectionWords } from "../src/frame/connection-words.js";
import { clock, cutOf, duration, nameOf, problemOf, statusOf } from "../src/turn/words.js";

const turn = (change: Partial<Turn>): Turn => ({
  id: "m", messageId: "m", question: "Weather?", answer: "", state: "working", status: null, tools: [], error: null, incomplete: null, usage: null, profile: null, threadId: null,
  replaces: null, answeredBy: null, createdAt: null, ...change,
});

describe("what is said of a turn", () => {
  test("a question that waits says its place", () => {
    expect([0, 1, 2].map((before) => statusOf(turn({ state: "queued" }), before, true))).toEqual([
      "Waiting for Cosmo…", "In the queue: one question is before this one.", "In the queue: 2 questions are before this one."]);
  });

  test("one that cannot leave says so", () => {
    expect(statusOf(turn({ state: "sending" }), 0, false)).toBe("Not connected. Your question leaves as soon as there is a connection.");
    expect(statusOf(turn({ state: "sending" }), 0, true)).toBe("Sending…");
  });

  test("the server's sentence is shown while it works, but for a decision that is awaited", () => {
    expect(statusOf(turn({ status: "Still trying to reach the assistant..." }), 0, true)).toBe("Still trying to reach the assistant...");
    expect(statusOf(turn({ status: "Executing…", tools: [{ call_id: "c", name: "book", state: "awaiting_approval" }] }), 0, true)).toBe("Waiting for your decision");
  });

  test.each<[TurnState, string]>([["completed", "done"], ["queued", "waiting"], ["refused", "failed"], ["failed", "failed"], ["cancelled", "cancelled"], ["lost", "lost"], ["answering", "answering"]])(
    "a turn that is %s is known as %s", (state, name) => expect(nameOf(turn({ state }))).toBe(name));

  test("what was stopped or is whole is no problem; what failed is told in the server's words", () => {
    const error = { message: "Please try again in a moment.", details: null, isTimeout: false };
    expect(["completed", "cancelled", "answering"].map((state) => problemOf(turn({ state: state as TurnState })))).toEqual([null, null, null]);
    expect(problemOf(turn({ state: "failed", error }))).toBe(error.message);
    expect(problemOf(turn({ state: "failed", error: { ...error, message: "" } }))).toBe("The answer could not be finished.");
    expect(problemOf(turn({ state: "lost", error }))).toContain("Nothing was heard");
    expect(problemOf(turn({ state: "lost" }))).toBeNull();
  });

  test("an answer that was cut says why", () => {
    expect(cutOf(turn({ state: "completed" }))).toBe("");
    expect(["content_filter", "max_output_tokens", "another"].map((incomplete) => cutOf(turn({ incomplete })).length > 10)).toEqual([true, true, true]);
  });

  test("times are short", () => {
    expect([0.03, 3.14, 12.4, 83].map(duration)).toEqual(["0.1 s", "3.1 s", "12 s", "1 min 23 s"]);
    expect([599_001, 61_000, 5_000, -1].map(clock)).toEqual(["10:00", "1:01", "0:05", "0:00"]);
  });
});

describe("what is said of the connection", () => {
  test("the countdown counts", () => {
    const state = { name: "waiting", nextTryAt: 10_000 } as const;
    expect([0, 4_000, 9_500].map((now) => connectionWords(state, now, true))).toEqual(["Trying again in 10 s", "Trying again in 6 s", "Trying again"]);
    expect(connectionWords(state, 0, false)).toBe("Offline");
  });

  test("a connection that is renewed goes on", () => expect(connectionWords({ name: "renewing" }, 0, true)).toBe("Connected"));
});
