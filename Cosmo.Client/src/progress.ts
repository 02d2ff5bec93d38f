import type { Turn } from "./turn.js";
import type { ToolCall } from "./updates.js";

/** What is new of an answer. */
export type Step =
  /** Whatever was told before is void: the text has become another. All of the answer follows. */
  | { readonly type: "reset" }
  /** A sentence that says what happens at the moment. */
  | { readonly type: "status"; readonly message: string }
  /** A call is new or has got further. */
  | { readonly type: "tool"; readonly call: ToolCall; readonly before: ToolCall | null }
  /** More text. Text that comes after calls is another block, which begins at a paragraph. */
  | { readonly type: "text"; readonly block: number; readonly delta: string };

/** How much of an answer has been told, so that each part of it is told once and in its order. */
export class Progress {
  /** The calls that this page decided on: they wait no more, whatever the server has said yet. */
  readonly decided = new Set<string>();
  #answer = "";
  #block = 0;
  #isAtStart = true;
  #status: string | null = null;
  #calls = new Map<string, ToolCall>();

  /** What is new of a turn. */
  take(turn: Turn): Step[] {
    const steps: Step[] = [];
    if (!turn.answer.startsWith(this.#answer)) {
      this.#answer = "";
      this.#block = 0;
      this.#isAtStart = true;
      this.#calls = new Map();
      steps.push({ type: "reset" });
    }

    if (turn.status !== null && turn.status !== this.#status) {
      steps.push({ type: "status", message: turn.status });
    }

    this.#status = turn.status;
    for (const call of turn.tools) {
      const before = this.#calls.get(call.call_id) ?? null;
      if (before?.state !== call.state) {
        steps.push({ type: "tool", call, before });
        this.#isAtStart ||= before === null;
      }

      this.#calls.set(call.call_id, call);
    }

    const text = turn.answer.slice(this.#answer.length);
    const delta = this.#isAtStart ? text.replace(/^\n+/, "") : text;
    this.#answer = turn.answer;
    if (delta !== "") {
      this.#block += this.#isAtStart ? 1 : 0;
      this.#isAtStart = false;
      steps.push({ type: "text", block: this.#block, delta });
    }

    return steps;
  }
}
