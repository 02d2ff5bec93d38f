import { type BaseEvent, contentToText, EventType, type Interrupt, type Message, type ResumeEntry, type RunAgentInput, type TokenUsage } from "@ag-ui/client";
import { ask, type Channels, decide, follow, type HeldChannel, type Outcome } from "../channels.js";
import { CosmoError, RefusedError } from "../errors.js";
import { Progress, type Step } from "../progress.js";
import { isOver, type Turn, type TurnState } from "../turn.js";
import { isObject, type ToolCall, type Usage } from "../updates.js";
import { callId, isAnswerOf, messagesOf, metadataOf, resultId, resultOf, textId } from "./messages.js";

const decisionSchema = {
  type: "object",
  properties: { approved: { type: "boolean" }, reason: { type: "string" } },
  required: ["approved"],
};

/** One run of an agent, from its first event to its last. */
export class Run {
  readonly #channels: Channels;
  readonly #input: RunAgentInput;
  readonly #held: HeldChannel;
  readonly #emit: (event: BaseEvent) => void;
  readonly #complete: () => void;
  #runId: string;
  #messageId: string | null = null;
  /** What stood before the answer. */
  #base: () => Message[];
  #openText: string | null = null;
  #isCancelled = false;
  #isOver = false;
  #stop = (): void => {};

  constructor(channels: Channels, input: RunAgentInput, emit: (event: BaseEvent) => void, complete: () => void) {
    this.#channels = channels;
    this.#input = input;
    this.#runId = input.runId;
    this.#held = channels.hold(input.threadId);
    this.#emit = emit;
    this.#complete = complete;
    this.#base = () => input.messages;
  }

  async ask(): Promise<void> {
    this.#start();
    const { messages, forwardedProps } = this.#input;
    const question = messages.filter((message) => message.role === "user").at(-1);
    const text = contentToText(question?.content);
    if (text === "") {
      throw new RefusedError("There is no question.", "The input has no user message with text.");
    }

    const messageId = this.#runId;
    const props = isObject(forwardedProps) ? forwardedProps : {};
    const [profile, replaces] = [props["profile"], props["replaces"]];
    if (messages.some((message) => isAnswerOf(message, messageId))) {
      this.#takeBackAnswer(messageId);
    }

    // The turn says it too when this fails.
    const options = { messageId, ...(typeof profile === "string" ? { profile } : {}), ...(typeof replaces === "string" ? { replaces } : {}) };
    ask(this.#held, text, options).catch(() => {});
    this.#end(await this.#follow(messageId));
  }

  async resume(entries: readonly ResumeEntry[]): Promise<void> {
    this.#start();
    const decisions = entries.map(({ interruptId, status, payload }) => {
      const answer: Record<string, unknown> = isObject(payload) ? payload : { approved: payload };
      const approved = status === "resolved" && answer["approved"] === true;
      return { callId: interruptId, approved, reason: typeof answer["reason"] === "string" ? answer["reason"] : undefined };
    });
    const { messageId, progress, isUntold } = await decide(this.#held, decisions);
    if (isUntold) {
      this.#takeBackAnswer(messageId);
    }

    this.#end(await this.#follow(messageId, progress));
  }

  async join(): Promise<void> {
    this.#start();
    const { chat } = this.#held;
    await this.#held.caughtUp();
    await chat.history({ limit: 100 });
    this.#base = () => messagesOf(chat.messages);
    this.#send(EventType.MESSAGES_SNAPSHOT, { messages: this.#base() });
    const told = new Set(chat.messages.filter(isOver).map(({ id }) => id));
    const next = (): Turn | undefined => chat.messages.find(({ id }) => !told.has(id));
    for (let turn = next(); turn !== undefined && !this.#isOver; turn = next()) {
      if (this.#messageId !== null) {
        this.#runId = turn.id;
        this.#start();
      }

      told.add(turn.id);
      const outcome = await this.#follow(turn.id);
      if (outcome.type !== "over" || next() === undefined) {
        this.#end(outcome);
        return;
      }

      this.#close(outcome);
    }

    this.#finish({ outcome: { type: "success" } });
  }

  /** Stops the answer at the server. How the run ends is what comes of it. */
  cancel(): void {
    this.#isCancelled = true;
    if (this.#messageId === null) {
      this.#finish({ outcome: { type: "cancelled" } });
      return;
    }

    const held = this.#channels.hold(this.#input.threadId);
    held.chat
      .cancel(this.#messageId)
      .catch((error: unknown) => this.#send(EventType.CUSTOM, { name: "cosmo.cancel_failed", value: { message: String(error) } }))
      .finally(held.release);
  }

  fail(error: unknown): void {
    this.#closeText();
    this.#send(EventType.RUN_ERROR, { message: error instanceof Error ? error.message : String(error), code: error instanceof CosmoError ? error.code : "error" });
    this.leave();
    this.#complete();
  }

  /** Nobody listens any more. */
  leave(): void {
    this.#isOver = true;
    this.#stop();
    this.#held.release();
  }

  #follow(messageId: string, progress = new Progress()): Promise<Outcome> {
    this.#messageId = messageId;
    return new Promise((resolve) => {
      this.#stop = follow(this.#held, { messageId, progress, told: (step) => this.#tell(messageId, step), ended: resolve });
    });
  }

  #tell(messageId: string, step: Step): void {
    switch (step.type) {
      case "reset":
        this.#takeBackAnswer(messageId);
        break;
      case "status":
        this.#send(EventType.CUSTOM, { name: "cosmo.status", value: { message: step.message } });
        break;
      case "tool":
        this.#tellCall(messageId, step.call, step.before === null);
        break;
      case "text":
        this.#tellText(messageId, textId(messageId, step.block), step.delta);
        break;
    }
  }

  #tellCall(messageId: string, call: ToolCall, isNew: boolean): void {
    const toolCallId = call.call_id;
    if (isNew) {
      this.#closeText();
      this.#send(EventType.TOOL_CALL_START, { toolCallId, toolCallName: call.name, parentMessageId: callId(call, messageId) });
      this.#send(EventType.TOOL_CALL_ARGS, { toolCallId, delta: JSON.stringify(call.arguments ?? {}) });
      this.#send(EventType.TOOL_CALL_END, { toolCallId });
    }

    if (call.state !== "running" && call.state !== "awaiting_approval") {
      this.#send(EventType.TOOL_CALL_RESULT, { messageId: resultId(call, messageId), toolCallId, content: resultOf(call) });
    }
  }

  #tellText(messageId: string, id: string, delta: string): void {
    if (this.#openText !== id) {
      this.#closeText();
      this.#send(EventType.TEXT_MESSAGE_START, { messageId: id, role: "assistant", metadata: metadataOf(messageId) });
      this.#openText = id;
    }

    this.#send(EventType.TEXT_MESSAGE_CONTENT, { messageId: id, delta });
  }

  #closeText(): void {
    if (this.#openText !== null) {
      this.#send(EventType.TEXT_MESSAGE_END, { messageId: this.#openText });
      this.#openText = null;
    }
  }

  /** What was told of an answer goes: all of it is told anew. */
  #takeBackAnswer(messageId: string): void {
    this.#closeText();
    const calls = new Set(this.#held.chat.messages.find(({ id }) => id === messageId)?.tools.map(({ call_id }) => call_id));
    this.#send(EventType.MESSAGES_SNAPSHOT, { messages: this.#base().filter((message) => !isAnswerOf(message, messageId, calls)) });
  }

  #end(outcome: Outcome): void {
    this.#close(outcome);
    this.leave();
    this.#complete();
  }

  /** Ends a run, of which another one may follow. */
  #close(outcome: Outcome): void {
    this.#closeText();
    if (outcome.type === "lost") {
      this.#send(EventType.RUN_ERROR, { message: outcome.error.message, code: outcome.error.code });
      return;
    }

    const { turn } = outcome;
    const usage = turn.usage === null ? {} : { usage: [usageOf(turn.usage)] };
    if (outcome.type === "waits") {
      const interrupts = outcome.calls.map((call) => interruptOf(turn.id, call));
      this.#sendFinished({ outcome: { type: "interrupt", interrupts }, ...usage });
      return;
    }

    turn.tools.filter(({ state }) => state === "running" || state === "awaiting_approval").forEach((call) => {
      this.#send(EventType.TOOL_CALL_RESULT, { messageId: resultId(call, turn.id), toolCallId: call.call_id, content: JSON.stringify({ state: "unknown" }) });
    });
    const more = { ...(turn.incomplete === null ? {} : { incomplete: turn.incomplete }), ...(turn.answeredBy === null ? {} : { answered_by: turn.answeredBy }) };
    if (Object.keys(more).length > 0) {
      this.#send(EventType.CUSTOM, { name: "cosmo.status", value: { status: "completed", ...more } });
    }

    if (turn.state === "completed") {
      this.#sendFinished({ outcome: { type: "success" }, ...usage });
    } else if (turn.state === "cancelled" || (this.#isCancelled && turn.state === "unsent")) {
      this.#sendFinished({ outcome: { type: "cancelled" }, ...usage });
    } else {
      const { message = "The answer could not be finished.", details = null } = turn.error ?? {};
      this.#send(EventType.RUN_ERROR, { message, code: codeOf(turn), ...usage, ...(details === null ? {} : { metadata: { error_details: details } }) });
    }
  }

  #start(): void {
    this.#send(EventType.RUN_STARTED, { threadId: this.#input.threadId, runId: this.#runId, protocolVersion: "1.0" });
  }

  #finish(fields: object): void {
    this.#sendFinished(fields);
    this.leave();
    this.#complete();
  }

  #sendFinished(fields: object): void {
    this.#send(EventType.RUN_FINISHED, { threadId: this.#input.threadId, runId: this.#runId, ...fields });
  }

  #send(type: EventType, fields: object): void {
    if (!this.#isOver) {
      this.#emit({ type, ...fields } as BaseEvent);
    }
  }
}

function codeOf({ state, error }: Turn): string {
  const codes: Partial<Record<TurnState, CosmoError["code"]>> = { refused: "refused", unsent: "not_sent", lost: "unknown_outcome" };
  return codes[state] ?? (error?.isTimeout === true ? "timeout" : "error");
}

function interruptOf(messageId: string, { call_id, name, arguments: args, expires_at }: ToolCall): Interrupt {
  return {
    id: call_id,
    reason: "tool_call",
    message: `May ${name} be carried out?`,
    toolCallId: call_id,
    responseSchema: decisionSchema,
    ...(expires_at === undefined ? {} : { expiresAt: expires_at }),
    metadata: { cosmo: { messageId, toolName: name, arguments: args ?? {} } },
  };
}

function usageOf({ input_tokens, cached_input_tokens, output_tokens, model }: Usage): TokenUsage {
  return { model, inputTokens: input_tokens, cachedInputTokens: cached_input_tokens, outputTokens: output_tokens, totalTokens: input_tokens + output_tokens };
}
