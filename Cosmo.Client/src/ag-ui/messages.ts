import type { AssistantMessage, Message, ToolMessage } from "@ag-ui/client";
import { isOver, type Turn } from "../turn.js";
import type { ToolCall } from "../updates.js";

/** What the message of an answer's text is called: its first block, or one that came after calls. */
export function textId(messageId: string, block = 1): string {
  return block === 1 ? `${messageId}:answer` : `${messageId}:answer:${block}`;
}

/** What the message is called that a call stands in. */
export function callId({ call_id }: ToolCall, messageId: string): string {
  return `${messageId}:call:${call_id}`;
}

/** What the message of a call's result is called. */
export function resultId({ call_id }: ToolCall, messageId: string): string {
  return `${messageId}:result:${call_id}`;
}

/** What became of a call. What it was made with and what it brought stays with the server. */
export function resultOf({ state, seconds }: ToolCall): string {
  return JSON.stringify({ state, ...(seconds === undefined ? {} : { seconds }) });
}

/** What goes with the messages of a turn, so that a front end can rate the answer. */
export function metadataOf(messageId: string): { cosmo: { messageId: string } } {
  return { cosmo: { messageId } };
}

/** Whether a message is a part of the answer to a message, told here or, with the calls that it made, by another agent. */
export function isAnswerOf(message: Message, messageId: string, calls: ReadonlySet<string> = new Set()): boolean {
  const made = message.role === "assistant" ? (message.toolCalls ?? []).map(({ id }) => id) : message.role === "tool" ? [message.toolCallId] : [];
  return message.role !== "user" && (message.id.startsWith(`${messageId}:`) || made.some((id) => calls.has(id)));
}

/** The conversation in the words of AG-UI. Of what is being answered only the question, since the answer is told. */
export function messagesOf(turns: readonly Turn[]): Message[] {
  return turns.flatMap((turn) => [
    ...(turn.question === null ? [] : [{ id: turn.id, role: "user" as const, content: turn.question }]),
    ...(isOver(turn) ? answerOf(turn) : []),
  ]);
}

function answerOf({ id, answer, tools }: Turn): Message[] {
  const calls = tools.flatMap((call): [AssistantMessage, ToolMessage] => [
    { id: callId(call, id), role: "assistant", toolCalls: [{ id: call.call_id, type: "function", function: { name: call.name, arguments: "{}" } }] },
    { id: resultId(call, id), role: "tool", toolCallId: call.call_id, content: resultOf(call) },
  ]);
  return [...calls, ...(answer === "" ? [] : [{ id: textId(id), role: "assistant" as const, content: answer, metadata: metadataOf(id) }])];
}
