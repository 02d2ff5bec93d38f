import type { DynamicToolUIPart, UIMessage } from "ai";
import { isOver, type Turn } from "../turn.js";
import type { ToolCall, Usage } from "../updates.js";

/** What goes with the messages. */
export interface CosmoMetadata {
  /** Cosmo's message: what `chat.feedback` and `chat.cancel` are told. */
  readonly messageId: string;
  /** Milliseconds since 1970. */
  readonly createdAt?: number;
  readonly profile?: string;
  readonly usage?: Usage;
  /** Why the answer was cut: `max_output_tokens` or `content_filter`; others may come. */
  readonly incomplete?: string;
  /** The answer was stopped. */
  readonly isCancelled?: true;
  /** Why there is no whole answer; of the history. */
  readonly error?: string;
}

/** The messages as `useChat` has them. `data-status` says what happens at the moment; it is transient, so it comes to `onData`. */
export type CosmoUIMessage = UIMessage<CosmoMetadata, { status: { message: string } }>;

/** What the message of an answer is called. */
export function answerId(messageId: string): string {
  return `${messageId}:answer`;
}

/** What is known of a turn beside its text. */
export function metadataOf(turn: Turn): CosmoMetadata {
  return {
    messageId: turn.id,
    ...(turn.createdAt === null ? {} : { createdAt: turn.createdAt }),
    ...(turn.profile === null ? {} : { profile: turn.profile }),
    ...(turn.usage === null ? {} : { usage: turn.usage }),
    ...(turn.incomplete === null ? {} : { incomplete: turn.incomplete }),
    ...(turn.state === "cancelled" ? { isCancelled: true } : {}),
    ...(turn.error === null ? {} : { error: turn.error.message }),
  };
}

/** What a call brought stays with the server; this is what became of it. */
export function outputOf({ state, seconds }: ToolCall): { state: string; seconds?: number } {
  return { state, ...(seconds === undefined ? {} : { seconds }) };
}

/** What is shown of a call that brought nothing. */
export function errorOf({ state }: ToolCall): string {
  return state === "refused" ? "The tool was not allowed." : "The tool failed.";
}

/** The conversation in the words of the AI SDK. Of what is being answered only the question, since the answer comes as a stream. */
export function messagesOf(turns: readonly Turn[]): CosmoUIMessage[] {
  return turns.flatMap((turn) => [
    ...(turn.question === null ? [] : [{ id: turn.id, role: "user" as const, metadata: metadataOfQuestion(turn), parts: [{ type: "text" as const, text: turn.question }] }]),
    ...(isOver(turn) && (turn.answer !== "" || turn.tools.length > 0 || turn.error !== null) ? [answerOf(turn)] : []),
  ]);
}

function metadataOfQuestion({ id, createdAt }: Turn): CosmoMetadata {
  return { messageId: id, ...(createdAt === null ? {} : { createdAt }) };
}

function answerOf(turn: Turn): CosmoUIMessage {
  const text = turn.answer === "" ? [] : [{ type: "text" as const, text: turn.answer, state: "done" as const }];
  return { id: answerId(turn.id), role: "assistant", metadata: metadataOf(turn), parts: [...turn.tools.map(partOf), ...text] };
}

function partOf(call: ToolCall): DynamicToolUIPart {
  const part = { type: "dynamic-tool", toolCallId: call.call_id, toolName: call.name, providerExecuted: true, input: {} } as const;
  return call.state === "done"
    ? { ...part, state: "output-available", output: outputOf(call) }
    : { ...part, state: "output-error", errorText: errorOf(call) };
}
