import type { InferUIMessageChunk } from "ai";
import type { Step } from "../progress.js";
import type { Turn } from "../turn.js";
import type { ToolCall } from "../updates.js";
import { type CosmoUIMessage, errorOf, metadataOf, outputOf } from "./messages.js";

type Chunk = InferUIMessageChunk<CosmoUIMessage>;

/** Puts an answer into the chunks of a UI message stream. All of it is one step, so that it can be taken back where it is begun anew. */
export class Chunks {
  #openText: string | null = null;

  of(step: Step): Chunk[] {
    switch (step.type) {
      case "reset":
        this.#openText = null;
        return [{ type: "reset-step" }];
      case "status":
        return [{ type: "data-status", data: { message: step.message }, transient: true }];
      case "tool":
        return [...(step.before === null ? this.closeText() : []), ...this.#ofCall(step.call, step.before)];
      case "text":
        return this.#ofText(`text-${step.block}`, step.delta);
    }
  }

  closeText(): Chunk[] {
    const id = this.#openText;
    this.#openText = null;
    return id === null ? [] : [{ type: "text-end", id }];
  }

  /** The end of a turn that is over. */
  end(turn: Turn): Chunk[] {
    const end: Chunk[] = [...this.closeText(), { type: "finish-step" }];
    if (turn.state === "completed") {
      const finishReason = turn.incomplete === null ? "stop" : turn.incomplete === "max_output_tokens" ? "length" : turn.incomplete === "content_filter" ? "content-filter" : "other";
      return [...end, { type: "finish", finishReason, messageMetadata: metadataOf(turn) }];
    }

    const last: Chunk = turn.state === "cancelled" ? { type: "abort", reason: "cancelled" } : { type: "error", errorText: turn.error?.message ?? "The answer could not be finished." };
    return [...end, { type: "message-metadata", messageMetadata: metadataOf(turn) }, last];
  }

  #ofText(id: string, delta: string): Chunk[] {
    const start: Chunk[] = this.#openText === id ? [] : [...this.closeText(), { type: "text-start", id }];
    this.#openText = id;
    return [...start, { type: "text-delta", id, delta }];
  }

  #ofCall(call: ToolCall, before: ToolCall | null): Chunk[] {
    const { call_id: toolCallId, name: toolName, state } = call;
    const tool = { toolCallId, toolName, dynamic: true, providerExecuted: true } as const;
    const wasAsked = before?.state === "awaiting_approval";
    const chunks: Chunk[] = [];
    if (before === null) {
      chunks.push({ type: "tool-input-start", ...tool });
    }

    if (before === null || (state === "awaiting_approval" && !wasAsked)) {
      chunks.push({ type: "tool-input-available", ...tool, input: call.arguments ?? {} });
    }

    if (wasAsked) {
      chunks.push({ type: "tool-approval-response", approvalId: toolCallId, approved: state !== "refused" });
    }

    switch (state) {
      case "awaiting_approval":
        chunks.push({ type: "tool-approval-request", approvalId: toolCallId, toolCallId });
        break;
      case "done":
        chunks.push({ type: "tool-output-available", toolCallId, output: outputOf(call) });
        break;
      case "refused":
      case "failed":
        chunks.push(wasAsked && state === "refused" ? { type: "tool-output-denied", toolCallId } : { type: "tool-output-error", toolCallId, errorText: errorOf(call) });
        break;
    }

    return chunks;
  }
}
