import { Chat } from "@ai-sdk/react";
import { type ChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses, readUIMessageStream, safeValidateUIMessages, type UIMessage, type UIMessageChunk, uiMessageChunkSchema } from "ai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CosmoChatTransport, type CosmoUIMessage } from "../src/ai-sdk/index.js";
import { RefusedError, type Update } from "../src/index.js";
import { settle } from "./clock.js";
import { channel, FakeServer } from "./server.js";

const text = (message: string): Partial<Update> => ({ message, status: "in_progress", type: "response" });
const final = (message: string, more: Partial<Update> = {}): Partial<Update> => ({ message, status: "completed", type: "response", final_message: true, ...more });
const cancelled = (message: string): Partial<Update> => ({ message, status: "cancelled", type: "error", final_message: true });
const tool = (state: "running" | "done" | "failed" | "refused" | "awaiting_approval", callId = "c1", more: object = {}): Partial<Update> => ({
  type: "tool", message: "Executing add_note...", tool: { call_id: callId, name: "add_note", state, ...more },
});
const waits = tool("awaiting_approval", "c1", { arguments: { text: "Buy milk" } });

/** The transport, whose every chunk is held against the official schema, and against the official reader. */
class Checked implements ChatTransport<CosmoUIMessage> {
  readonly inner: CosmoChatTransport;
  readonly chunks: UIMessageChunk[] = [];
  readonly faults: unknown[] = [];
  readonly resumeStreamIsReplay = true;

  constructor(server: FakeServer) {
    this.inner = new CosmoChatTransport(server.options);
  }

  async sendMessages(options: Parameters<ChatTransport<CosmoUIMessage>["sendMessages"]>[0]): Promise<ReadableStream<UIMessageChunk>> {
    const last = options.messages.at(-1);
    return this.#check(await this.inner.sendMessages(options), last?.role === "assistant" ? last : undefined);
  }

  async reconnectToStream(options: Parameters<ChatTransport<CosmoUIMessage>["reconnectToStream"]>[0]): Promise<ReadableStream<UIMessageChunk> | null> {
    const stream = await this.inner.reconnectToStream(options);
    return stream === null ? null : this.#check(stream);
  }

  close(): void {
    this.inner.close();
  }

  #check(stream: ReadableStream<UIMessageChunk>, message?: UIMessage): ReadableStream<UIMessageChunk> {
    const [one, other] = stream.tee();
    void this.#read(one, message);
    return other.pipeThrough(new TransformStream({
      transform: async (chunk, controller) => {
        const result = await uiMessageChunkSchema().validate!(chunk);
        result.success || this.faults.push(result.error);
        this.chunks.push(chunk);
        controller.enqueue(chunk);
      },
    }));
  }

  /** What the reader makes of it has to be messages. */
  async #read(stream: ReadableStream<UIMessageChunk>, message?: UIMessage): Promise<void> {
    const fault = (error: unknown): void => void (error instanceof Error && error.name === "AI_UIMessageStreamError" && this.faults.push(error));
    const read = readUIMessageStream({ stream, onError: fault, ...(message === undefined ? {} : { message: structuredClone(message) }) });
    for await (const one of read) {
      const valid = await safeValidateUIMessages({ messages: [one] });
      valid.success || one.parts.length === 0 || this.faults.push(valid.error);
    }
  }
}

let server: FakeServer;
let transport: Checked;
beforeEach(() => {
  server = new FakeServer();
  transport = new Checked(server);
});
afterEach(async () => {
  await settle();
  expect(transport.faults).toEqual([]);
  transport.close();
});

function chatOf(messages: CosmoUIMessage[] = [], more: object = {}): Chat<CosmoUIMessage> {
  return new Chat({ id: channel, transport, messages, ...more });
}

/** Asks, and waits until the server has it. */
async function asked(chat: Chat<CosmoUIMessage>, question = "Hello", options: object = {}): Promise<{ id: string; ended: Promise<void> }> {
  const ended = chat.sendMessage({ text: question }, options);
  await server.clock.pass(1_000);
  return { id: server.taken.at(-1)!.message_id, ended };
}

const typesOf = (): string[] => transport.chunks.map(({ type }) => type);
const shown = (chat: Chat<CosmoUIMessage>): unknown[] =>
  chat.messages.map(({ role, parts }) => [role, ...parts.flatMap((part) => (part.type === "text" ? [part.text] : part.type === "dynamic-tool" ? [part.state] : []))]);

describe("a question", () => {
  test("is asked under its message's id, and its answer streams with status, calls, text and metadata", async () => {
    const statuses: unknown[] = [];
    const chat = chatOf([], { onData: (part: unknown) => statuses.push(part) });
    const { id, ended } = await asked(chat, "Hello", { body: { profile: "weather" } });
    expect([server.taken[0], chat.status, chat.messages[0]!.id]).toEqual([{ message_id: id, message: "Hello", profile: "weather" }, "submitted", id]);
    server.say(id, { status: "started", message: "Assistant is processing your request..." });
    server.say(id, tool("running"));
    server.say(id, tool("done", "c1", { seconds: 0.5 }));
    server.say(id, text("It is"));
    await settle();
    expect([chat.status, shown(chat)]).toEqual(["streaming", [["user", "Hello"], ["assistant", "output-available", "It is"]]]);
    const usage = { input_tokens: 1, cached_input_tokens: 0, output_tokens: 2, model: "x", rounds: 2 };
    server.say(id, final("It is 31 °C.", { usage, profile: "weather" }));
    await ended;
    expect(typesOf()).toEqual([
      "start", "start-step", "data-status", "data-status", "tool-input-start", "tool-input-available", "tool-output-available",
      "text-start", "text-delta", "text-delta", "text-end", "finish-step", "finish",
    ]);
    expect(transport.chunks.at(-1)).toMatchObject({ finishReason: "stop", messageMetadata: { messageId: id, usage } });
    expect(chat.messages[1]).toMatchObject({
      id: `${id}:answer`, metadata: { messageId: id, usage, profile: "weather" },
      parts: [{ type: "step-start" }, { type: "dynamic-tool", toolName: "add_note", providerExecuted: true, output: { state: "done", seconds: 0.5 } }, { type: "text", text: "It is 31 °C.", state: "done" }],
    });
    expect(statuses).toMatchObject([{ data: { message: "Assistant is processing your request..." } }, { data: { message: "Executing add_note..." } }]);
  });

  test("text before and after calls stands where it belongs, and failed calls say so", async () => {
    const chat = chatOf();
    const { id, ended } = await asked(chat);
    server.say(id, text("Let me see."));
    server.say(id, tool("running"));
    server.say(id, tool("failed"));
    server.say(id, tool("refused", "c2"));
    server.say(id, final("Let me see.\n\nNo.", { incomplete: "content_filter" }));
    await ended;
    expect(shown(chat)).toEqual([["user", "Hello"], ["assistant", "Let me see.", "output-error", "output-error", "No."]]);
    expect(transport.chunks.at(-1)).toMatchObject({ finishReason: "content-filter" });
  });

  test("what was told goes where the text becomes another", async () => {
    const chat = chatOf();
    const { id, ended } = await asked(chat);
    server.say(id, tool("running"));
    server.say(id, text("It is cold"));
    server.say(id, text("It was warm"));
    server.say(id, final("It was warm."));
    await ended;
    expect(shown(chat)[1]).toEqual(["assistant", "input-available", "It was warm."]);
  });

  test("that fails is an error with the server's sentence, and what was told stays", async () => {
    const chat = chatOf();
    const { id, ended } = await asked(chat);
    server.say(id, text("Half"));
    server.say(id, { message: "The response was interrupted.", status: "error", type: "timeout", final_message: true });
    await ended;
    expect([chat.status, chat.error!.message, shown(chat)[1]]).toEqual(["error", "The response was interrupted.", ["assistant", "Half"]]);
  });

  test("that is not taken is the error of this package; asking again puts it in nobody's place", async () => {
    server.onMessage = (socket, { data }) => {
      server.refuse(socket, (data as { message_id: string }).message_id, "Please sign in to send messages.");
      return "swallow";
    };
    const chat = chatOf();
    await chat.sendMessage({ text: "Hello" });
    expect(chat.error).toEqual(new RefusedError("Please sign in to send messages.", "Why."));
    server.onMessage = () => "take";
    void chat.regenerate();
    await server.clock.pass(1_000);
    expect(server.taken).toEqual([{ message_id: expect.stringMatching(/.{16}/) as string, message: "Hello" }]);
  });

  test("without text is refused here", async () => {
    const chat = chatOf();
    await chat.sendMessage({ files: [{ type: "file", mediaType: "image/png", url: "data:image/png;base64,AA==" }] });
    expect(chat.error).toBeInstanceOf(RefusedError);
  });

  test("asked again, or edited, takes the place of the one that was asked last", async () => {
    const chat = chatOf();
    const first = await asked(chat);
    server.say(first.id, final("Hi."));
    await first.ended;
    const again = chat.regenerate();
    await server.clock.pass(1_000);
    const second = server.taken[1]!;
    expect(second).toMatchObject({ message: "Hello", replaces: first.id });
    server.say(second.message_id, { status: "started", replaces: first.id });
    server.say(second.message_id, final("Hello!"));
    await again;
    const edited = chat.sendMessage({ text: "Good day", messageId: first.id });
    await server.clock.pass(1_000);
    expect(server.taken[2]).toMatchObject({ message: "Good day", replaces: second.message_id });
    server.say(server.taken[2]!.message_id, final("Good day."));
    await edited;
    expect(shown(chat)).toEqual([["user", "Good day"], ["assistant", "Good day."]]);
  });
});

describe("stop", () => {
  test("ends the answer at the server", async () => {
    const chat = chatOf();
    const { id, ended } = await asked(chat);
    server.say(id, text("So far"));
    await settle();
    await chat.stop();
    await ended;
    expect([server.requested(`messages/${id}/cancel`), chat.status, shown(chat)[1]]).toEqual([1, "ready", ["assistant", "So far"]]);
    expect(transport.inner.chat(channel).state.name).toBe("connected");
  });

  test("before the question has left takes it back", async () => {
    server.fault = () => "unreachable";
    const chat = chatOf();
    const ended = chat.sendMessage({ text: "Hello" });
    await settle();
    await chat.stop();
    await ended;
    server.fault = () => null;
    await server.clock.pass(60_000);
    expect([server.taken, chat.status, chat.error]).toEqual([[], "ready", undefined]);
  });

  test("after a resume ends the answer at the server", async () => {
    server.record("m", { status: "started", question: "Hello" });
    server.record("m", text("So"));
    const chat = chatOf();
    const resumed = chat.resumeStream();
    await settle();
    expect([chat.status, shown(chat)]).toEqual(["streaming", [["assistant", "So"]]]);
    await chat.stop();
    await resumed;
    expect(server.requested("messages/m/cancel")).toBe(1);
  });

  test("elsewhere ends the stream here, which says so", async () => {
    const chat = chatOf();
    const { id, ended } = await asked(chat);
    server.say(id, text("So"));
    server.say(id, cancelled("So far"));
    await ended;
    expect([chat.status, shown(chat)[1], chat.messages[1]!.metadata!.isCancelled]).toEqual(["ready", ["assistant", "So far"], true]);
  });

  test("a stream that nobody reads any more ends nothing", async () => {
    const stream = await (async () => {
      const sent = transport.inner.sendMessages({ trigger: "submit-message", chatId: channel, messageId: undefined, abortSignal: undefined, messages: [{ id: "m", role: "user", parts: [{ type: "text", text: "Hello" }] }] });
      await server.clock.pass(1_000);
      return sent;
    })();
    await stream.cancel();
    await settle();
    expect(server.requested("cancel")).toBe(0);
  });
});

describe("resuming", () => {
  test("is null where nothing is under way", async () => {
    server.record("m", final("Over."));
    const chat = chatOf();
    await chat.resumeStream();
    expect([chat.status, chat.messages]).toEqual(["ready", []]);
  });

  test("after a reload tells all of the answer, behind the history", async () => {
    server.history.push({ id: "2", message_id: "a", role: "assistant", text: "Hi.", tools: ["get_weather"] }, { id: "1", message_id: "a", role: "user", text: "Hello" });
    server.record("m", { status: "started", question: "A story" });
    server.record("m", tool("done"));
    server.record("m", text("Once upon"));
    const history = await transport.inner.history(channel);
    expect((await safeValidateUIMessages({ messages: history })).success).toBe(true);
    const chat = chatOf(history);
    expect(shown(chat)).toEqual([["user", "Hello"], ["assistant", "output-available", "Hi."], ["user", "A story"]]);
    const resumed = chat.resumeStream();
    await settle();
    expect(shown(chat)[3]).toEqual(["assistant", "output-available", "Once upon"]);
    const again = chat.resumeStream();
    await settle();
    server.say("m", final("Once upon a time."));
    await Promise.all([resumed, again]);
    expect(server.requested("cancel")).toBe(0);
    expect(shown(chat).slice(2)).toEqual([["user", "A story"], ["assistant", "output-available", "Once upon a time."]]);
  });

  test("stopped before it found out ends nothing", async () => {
    server.fault = () => "unreachable";
    server.record("m", text("So"));
    const chat = chatOf();
    const resumed = chat.resumeStream();
    await settle();
    await chat.stop();
    await resumed;
    server.fault = () => null;
    await server.clock.pass(60_000);
    expect([server.requested("cancel"), chat.status]).toEqual([0, "ready"]);
  });

  test("of a channel that is another's is an error", async () => {
    server.fault = () => ({ status: 403, body: { title: "This channel belongs to another user." } });
    const chat = chatOf();
    await chat.resumeStream();
    expect([chat.status, chat.error]).toMatchObject(["error", { code: "refused", status: 403, message: "This channel belongs to another user." }]);
    await chat.sendMessage({ text: "Hello" });
    expect([chat.status, chat.error]).toMatchObject(["error", { code: "refused", status: 403 }]);
    server.fault = () => null;
    await chat.resumeStream();
    await server.clock.pass(1_000);
    expect([chat.status, server.taken]).toEqual(["ready", []]);
  });
});

describe("an approval", () => {
  const automatic = { sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses };

  test.each([[true, "done", "output-available"], [true, "failed", "output-error"], [false, "refused", "output-denied"]] as const)("of %s goes back to the server, and the same answer goes on", async (approved, state, end) => {
    const chat = chatOf([], automatic);
    const { id, ended } = await asked(chat);
    server.say(id, text("Let me see."));
    server.say(id, waits);
    await ended;
    const [, part] = chat.messages[1]!.parts.filter(({ type }) => type !== "step-start");
    expect([chat.status, part]).toMatchObject(["ready", { state: "approval-requested", input: { text: "Buy milk" }, approval: { id: "c1" } }]);

    await chat.addToolApprovalResponse({ id: "c1", approved, reason: "Said so." });
    await settle();
    expect(server.requests.at(-1)).toMatchObject({ path: `~Yy8x/messages/${id}/approvals/c1`, body: { approved, reason: "Said so." } });
    approved && server.say(id, tool("running"));
    server.say(id, tool(state));
    server.say(id, final("Let me see.\n\nSo be it."));
    await settle();
    expect([chat.status, shown(chat), server.taken.length]).toEqual(["ready", [["user", "Hello"], ["assistant", "Let me see.", end, "So be it."]], 1]);
  });

  test("that was decided elsewhere is shown by a resume", async () => {
    const chat = chatOf([], automatic);
    const { id, ended } = await asked(chat);
    server.say(id, waits);
    await ended;
    server.say(id, tool("running"));
    const resumed = chat.resumeStream();
    await settle();
    server.say(id, tool("done"));
    server.say(id, final("So be it."));
    await resumed;
    expect(shown(chat)[1]).toEqual(["assistant", "output-available", "So be it."]);
  });

  test("after a reload is asked for again, and what this page was not told comes after it", async () => {
    server.record("m", { status: "started", question: "Hello" });
    server.record("m", waits);
    const chat = chatOf(await transport.inner.history(channel), automatic);
    await chat.resumeStream();
    expect([chat.status, shown(chat)[1]]).toEqual(["ready", ["assistant", "approval-requested"]]);
    await chat.addToolApprovalResponse({ id: "c1", approved: true });
    await settle();
    server.say("m", tool("done"));
    server.say("m", final("So be it."));
    await settle();
    expect(shown(chat)[1]).toEqual(["assistant", "output-available", "So be it."]);
  });

  test("of a message that the page kept is told anew with all of its answer", async () => {
    server.record("m", text("Let me see."));
    server.record("m", waits);
    const part = { type: "dynamic-tool", toolCallId: "c1", toolName: "add_note", input: {}, state: "approval-responded", approval: { id: "c1", approved: true } } as const;
    const chat = chatOf([{ id: "x", role: "user", parts: [{ type: "text", text: "Hello" }] }, { id: "m:answer", role: "assistant", parts: [{ type: "step-start" }, { type: "text", text: "Let me see." }, part] }]);
    const sent = chat.sendMessage();
    await settle();
    server.say("m", tool("done"));
    server.say("m", final("Let me see.\n\nDone."));
    await sent;
    expect(shown(chat)[1]).toEqual(["assistant", "output-available", "Let me see.\n\nDone."]);
  });

  test("that nobody waits for is an error", async () => {
    const part = { type: "dynamic-tool", toolCallId: "c1", toolName: "add_note", input: {}, state: "approval-responded", approval: { id: "c1", approved: true } } as const;
    const chat = chatOf([{ id: "x", role: "assistant", parts: [part] }]);
    await chat.sendMessage();
    expect(chat.error!.message).toBe("Nothing waits for this decision any more.");
    const other = chatOf([{ id: "x", role: "user", parts: [{ type: "text", text: "Hello" }] }, { id: "x:answer", role: "assistant", parts: [{ type: "text", text: "Hi." }] }]);
    await other.sendMessage();
    expect([other.status, server.taken]).toEqual(["error", []]);
  });
});

describe("what happens elsewhere", () => {
  function listening(chat: Chat<CosmoUIMessage>): { calls: number; end: () => void } {
    const heard = { calls: 0, end: () => {} };
    heard.end = transport.inner.onElsewhere(channel, () => {
      heard.calls++;
      void transport.inner.history(channel).then((messages) => {
        chat.messages = messages;
        return chat.resumeStream();
      });
    });
    return heard;
  }

  test("is told of: a question from another tab, once, and its answer streams here too", async () => {
    const chat = chatOf();
    const heard = listening(chat);
    await settle();
    server.say("m", { status: "started", question: "From the other tab" });
    server.say("m", text("It"));
    await settle();
    expect([heard.calls, chat.status, shown(chat)]).toEqual([1, "streaming", [["user", "From the other tab"], ["assistant", "It"]]]);
    server.say("m", final("It is."));
    await settle();
    expect([heard.calls, chat.status, shown(chat)[1]]).toEqual([1, "ready", ["assistant", "It is."]]);
    heard.end();
    server.say("n", { status: "started", question: "Another" });
    await settle();
    expect(heard.calls).toBe(1);
  });

  test("does not break into what streams here, and comes after it", async () => {
    const chat = chatOf();
    const heard = listening(chat);
    const { id, ended } = await asked(chat);
    server.say(id, text("Mine"));
    server.say("m", { status: "started", question: "Theirs" });
    await settle();
    expect(heard.calls).toBe(0);
    server.say(id, final("Mine."));
    await ended;
    server.say("m", text("Their"));
    await settle();
    server.say("m", final("Theirs."));
    await settle();
    expect([heard.calls, shown(chat)]).toEqual([1, [["user", "Hello"], ["assistant", "Mine."], ["user", "Theirs"], ["assistant", "Theirs."]]]);
    heard.end();
  });

  test("is a decision, too, after which the answer goes on here", async () => {
    const chat = chatOf();
    const heard = listening(chat);
    const { id, ended } = await asked(chat);
    server.say(id, waits);
    await ended;
    expect(heard.calls).toBe(0);
    server.say(id, tool("running"));
    await settle();
    server.say(id, tool("done"));
    server.say(id, final("So be it."));
    await settle();
    expect([heard.calls, shown(chat)[1]]).toEqual([1, ["assistant", "output-available", "So be it."]]);
    heard.end();
  });
});

test("two chats mix nothing, and the one that is left closes when it is quiet", async () => {
  const [chat, other] = [chatOf(), new Chat<CosmoUIMessage>({ id: "another", transport })];
  const { id, ended } = await asked(chat);
  await other.resumeStream();
  expect([server.sockets.length, server.sockets[0]!.closedByClient]).toEqual([2, false]);
  server.say(id, final("Hi."));
  await ended;
  expect([server.sockets[0]!.closedByClient, other.messages]).toEqual([true, []]);
});
