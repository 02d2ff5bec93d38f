import { type AgentSubscriber, type BaseEvent, buildResumeArray, EventType, type RunAgentParameters, type RunAgentResult } from "@ag-ui/client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CosmoAgent } from "../src/ag-ui/index.js";
import type { Update } from "../src/index.js";
import { settle } from "./clock.js";
import { channel, FakeServer } from "./server.js";

const text = (message: string): Partial<Update> => ({ message, status: "in_progress", type: "response" });
const final = (message: string, more: Partial<Update> = {}): Partial<Update> => ({ message, status: "completed", type: "response", final_message: true, ...more });
const tool = (state: "running" | "done" | "failed" | "refused" | "awaiting_approval", callId = "c1", more: object = {}): Partial<Update> => ({
  type: "tool", message: "Executing add_note...", tool: { call_id: callId, name: "add_note", state, ...more },
});
const waits = tool("awaiting_approval", "c1", { arguments: { text: "Buy milk" }, expires_at: "2100-01-01T00:00:00Z" });

/** What the package's own enforcement and verification say goes to the console. */
const complaints = vi.spyOn(console, "warn");
vi.spyOn(console, "error").mockImplementation(() => {});
let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
  complaints.mockClear();
});
afterEach(() => expect(complaints.mock.calls).toEqual([]));

function agentOf(question: string | null = "Hello", threadId = channel): CosmoAgent {
  return new CosmoAgent({ ...server.options, threadId, initialMessages: question === null ? [] : [{ id: "u1", role: "user", content: question }] });
}

/** A run through the package's pipeline, which verifies it. */
async function run(agent: CosmoAgent, parameters: RunAgentParameters = { runId: "m" }, how: "runAgent" | "connectAgent" = "runAgent"): Promise<{ events: BaseEvent[]; ended: Promise<RunAgentResult> }> {
  const events: BaseEvent[] = [];
  const subscriber: AgentSubscriber = { onEvent: ({ event }) => void events.push(structuredClone(event)) };
  const ended = agent[how](parameters, subscriber);
  ended.catch(() => {});
  await settle();
  return { events, ended };
}

const typesOf = (events: BaseEvent[]): string[] => events.map(({ type }) => type);
const last = (events: BaseEvent[]): Record<string, unknown> => events.at(-1) as unknown as Record<string, unknown>;
const textOf = (events: BaseEvent[]): string => events.map((event) => (event.type === EventType.TEXT_MESSAGE_CONTENT ? (event as unknown as { delta: string }).delta : "")).join("");

describe("a run", () => {
  test("asks the last user message, and tells status, calls, text and usage in the protocol's order", async () => {
    const agent = agentOf();
    const { events, ended } = await run(agent, { runId: "m", forwardedProps: { profile: "weather", replaces: "old" } });
    server.say("m", { status: "started", message: "Assistant is processing your request...", question: "Hello" });
    server.say("m", tool("running"));
    server.say("m", tool("done", "c1", { seconds: 0.5 }));
    server.say("m", text("It is"));
    server.say("m", final("It is 31 °C.", { usage: { input_tokens: 10, cached_input_tokens: 4, output_tokens: 2, model: "gpt", rounds: 2 } }));
    await ended;
    expect(server.taken).toEqual([{ message_id: "m", message: "Hello", profile: "weather", replaces: "old" }]);
    expect(typesOf(events)).toEqual([
      "RUN_STARTED", "CUSTOM", "CUSTOM", "TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT",
      "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED",
    ]);
    expect(events[1]).toMatchObject({ name: "cosmo.status", value: { message: "Assistant is processing your request..." } });
    expect(last(events)).toEqual({
      type: "RUN_FINISHED", threadId: channel, runId: "m", outcome: { type: "success" },
      usage: [{ model: "gpt", inputTokens: 10, cachedInputTokens: 4, outputTokens: 2, totalTokens: 12 }],
    });
    expect(agent.messages).toMatchObject([
      { id: "u1", role: "user" },
      { id: "m:call:c1", role: "assistant", toolCalls: [{ id: "c1", function: { name: "add_note", arguments: "{}" } }] },
      { role: "tool", toolCallId: "c1", content: '{"state":"done","seconds":0.5}' },
      { id: "m:answer", role: "assistant", content: "It is 31 °C.", metadata: { cosmo: { messageId: "m" } } },
    ]);
    agent.close();
  });

  test("keeps the text before a call apart from that after it", async () => {
    const agent = agentOf();
    const { events, ended } = await run(agent);
    server.say("m", text("Let me see."));
    server.say("m", tool("running"));
    server.say("m", tool("failed"));
    server.say("m", text("Let me see.\n\nIt"));
    server.say("m", final("Let me see.\n\nIt is so.", { incomplete: "max_output_tokens" }));
    await ended;
    expect(events.at(-2)).toMatchObject({ name: "cosmo.status", value: { status: "completed", incomplete: "max_output_tokens" } });
    expect(agent.messages.slice(1).map(({ id, role }) => [id, role])).toEqual([["m:answer", "assistant"], ["m:call:c1", "assistant"], ["m:result:c1", "tool"], ["m:answer:2", "assistant"]]);
    expect(agent.messages.at(-1)!.content).toBe("It is so.");
    agent.close();
  });

  test("takes back what was told where the text becomes another", async () => {
    const agent = agentOf();
    const { ended } = await run(agent);
    server.say("m", tool("running"));
    server.say("m", tool("done"));
    server.say("m", text("It is cold"));
    server.say("m", text("It was warm"));
    server.say("m", final("It was warm."));
    await ended;
    expect(agent.messages.filter(({ role }) => role === "assistant").map(({ content }) => content ?? null)).toEqual([null, "It was warm."]);
    agent.close();
  });

  test("that is over already, or under way, is told from its beginning when it is run again", async () => {
    const agent = agentOf();
    const first = await run(agent);
    server.say("m", text("It"));
    await settle();
    await agent.detachActiveRun();
    await first.ended;
    expect(server.taken.length).toBe(1);
    const second = await run(agent);
    server.say("m", final("It is."));
    await second.ended;
    expect(textOf(second.events)).toBe("It is.");
    const third = await run(agent);
    await third.ended;
    expect([server.taken.length, agent.messages.map(({ content }) => content)]).toEqual([1, ["Hello", "It is."]]);
    agent.close();
  });

  test("goes on at the server when nobody listens, and on the same connection with the next one", async () => {
    const agent = agentOf();
    const { ended } = await run(agent);
    server.say("m", text("It"));
    await agent.detachActiveRun();
    await ended;
    expect(server.requested("cancel")).toBe(0);
    await run(agent, { runId: "n" });
    expect(server.sockets.length).toBe(1);
    agent.close();
    expect(server.socket.closedByClient).toBe(true);
  });

  test("has an error that the server told", async () => {
    const agent = agentOf();
    const { events, ended } = await run(agent);
    server.say("m", text("Half"));
    server.say("m", { message: "The response was interrupted.", status: "error", type: "timeout", final_message: true, error_details: "Stream" });
    await ended;
    expect(typesOf(events).slice(-2)).toEqual(["TEXT_MESSAGE_END", "RUN_ERROR"]);
    expect(last(events)).toEqual({ type: "RUN_ERROR", message: "The response was interrupted.", code: "timeout", metadata: { error_details: "Stream" } });
    agent.close();
  });

  test("has an error where the question is not taken, there is none, or the client is not let in", async () => {
    server.onMessage = (socket) => {
      server.refuse(socket, "m", "Please sign in to send messages.");
      return "swallow";
    };
    const refused = await run(agentOf());
    await refused.ended;
    expect(last(refused.events)).toMatchObject({ type: "RUN_ERROR", message: "Please sign in to send messages.", code: "refused" });
    const silent = await run(agentOf(null));
    await silent.ended;
    expect(last(silent.events)).toMatchObject({ code: "refused", message: "There is no question." });
    server.fault = () => ({ status: 403, body: { title: "This channel belongs to another user." } });
    const agent = agentOf();
    const outside = await run(agent);
    await outside.ended;
    expect(last(outside.events)).toMatchObject({ code: "refused", message: "This channel belongs to another user." });
    server.fault = () => null;
    server.onMessage = () => "take";
    await run(agent, { runId: "n" });
    await server.clock.pass(1_000);
    expect(server.taken.map(({ message_id }) => message_id)).toEqual(["n"]);
  });

  test("ends with an error when the agent is closed", async () => {
    const agent = agentOf();
    const { events, ended } = await run(agent);
    agent.close();
    await ended;
    expect(last(events)).toMatchObject({ type: "RUN_ERROR", code: "closed" });
  });
});

describe("stopping a run", () => {
  test("stops the answer at the server, and ends as that says", async () => {
    const agent = agentOf();
    const { events, ended } = await run(agent);
    server.say("m", text("So"));
    agent.abortRun();
    await settle();
    expect(server.requests.at(-1)).toMatchObject({ method: "POST", path: "~Yy8x/messages/m/cancel" });
    server.say("m", { message: "So far", status: "cancelled", type: "error", final_message: true });
    await ended;
    expect(last(events)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "cancelled" } });
    expect(agent.messages.at(-1)!.content).toBe("So far");
    agent.close();
  });

  test("takes a question back that has not left", async () => {
    server.fault = () => "unreachable";
    const agent = agentOf();
    const { events, ended } = await run(agent);
    agent.abortRun();
    await ended;
    expect(last(events)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "cancelled" } });
    agent.close();
  });

  test("says so where it is not possible, and the run goes on", async () => {
    const agent = agentOf();
    const { events, ended } = await run(agent);
    server.fault = (path) => (path.includes("cancel") ? { status: 403, body: { title: "No." } } : null);
    agent.abortRun();
    await settle();
    expect(last(events)).toMatchObject({ type: "CUSTOM", name: "cosmo.cancel_failed", value: { message: "RefusedError: No." } });
    server.say("m", final("Whole."));
    await ended;
    expect(last(events)).toMatchObject({ outcome: { type: "success" } });
    agent.close();
  });
});

describe("an approval", () => {
  test.each([
    ["yes", { status: "resolved", payload: { approved: true, reason: "Fine." } }, { approved: true, reason: "Fine." }, "done"],
    ["no", { status: "resolved", payload: { approved: false } }, { approved: false }, "refused"],
    ["nothing", { status: "cancelled" }, { approved: false }, "refused"],
    ["something else", { status: "resolved", payload: "yes" }, { approved: false }, "refused"],
  ] as const)("interrupts the run, and the next one goes on with the same message after %s", async (_, response, decision, state) => {
    const agent = agentOf();
    const first = await run(agent);
    server.say("m", text("Let me see."));
    server.say("m", waits);
    await first.ended;
    expect(agent.pendingInterrupts).toMatchObject([{ id: "c1", reason: "tool_call", toolCallId: "c1", expiresAt: "2100-01-01T00:00:00Z", metadata: { cosmo: { toolName: "add_note", arguments: { text: "Buy milk" } } } }]);
    expect(agent.messages.at(-1)).toMatchObject({ toolCalls: [{ function: { arguments: '{"text":"Buy milk"}' } }] });

    const second = await run(agent, { runId: "n", resume: buildResumeArray(agent.pendingInterrupts, { c1: response }) });
    expect(server.requests.at(-1)).toMatchObject({ path: "~Yy8x/messages/m/approvals/c1", body: decision });
    server.say("m", tool(state));
    server.say("m", final("Let me see.\n\nSo be it."));
    await second.ended;
    expect([textOf(second.events), last(second.events)["runId"], server.taken.length]).toEqual(["So be it.", "n", 1]);
    expect(agent.pendingInterrupts).toEqual([]);
    expect(agent.messages.slice(1).map(({ id }) => id)).toEqual(["m:answer", "m:call:c1", "m:result:c1", "m:answer:2"]);
    agent.close();
  });

  test("of a second call interrupts the run that went on with the first", async () => {
    const agent = agentOf();
    const first = await run(agent);
    server.say("m", waits);
    server.say("m", tool("awaiting_approval", "c2"));
    await first.ended;
    const second = await run(agent, { runId: "n", resume: [{ interruptId: "c1", status: "resolved", payload: true }] });
    await second.ended;
    expect(agent.pendingInterrupts.map(({ id }) => id)).toEqual(["c2"]);
    const third = await run(agent, { runId: "o", resume: [{ interruptId: "c2", status: "resolved", payload: true }] });
    server.say("m", tool("done", "c1"));
    server.say("m", tool("done", "c2"));
    server.say("m", final("Done."));
    await third.ended;
    expect(agent.messages.filter(({ role }) => role === "tool").length).toBe(2);
    agent.close();
  });

  test("is found again after a reload, and what others decided before counts", async () => {
    server.record("m", { status: "started", question: "Hello" });
    server.record("m", waits);
    const agent = agentOf(null);
    await (await run(agent, {}, "connectAgent")).ended;
    expect(agent.pendingInterrupts.map(({ id }) => id)).toEqual(["c1"]);
    server.fault = (path) => (path.includes("approvals") ? { status: 409, body: { title: "Answered already" } } : null);
    const { ended } = await run(agent, { runId: "n", resume: [{ interruptId: "c1", status: "resolved", payload: true }] });
    server.say("m", tool("refused"));
    server.say("m", final("So be it."));
    await ended;
    expect(agent.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
    agent.close();
  });

  test("goes on with an agent that knows the messages but not the stream", async () => {
    server.record("m", text("Let me see."));
    server.record("m", waits);
    const agent = agentOf();
    agent.setMessages([{ id: "u1", role: "user", content: "Hello" }, { id: "m:answer", role: "assistant", content: "Let me see." }, { id: "c1", role: "assistant", toolCalls: [{ id: "c1", type: "function", function: { name: "add_note", arguments: "{}" } }] }]);
    const { ended } = await run(agent, { runId: "n", resume: [{ interruptId: "c1", status: "resolved", payload: { approved: true } }] });
    server.say("m", tool("done"));
    server.say("m", final("Let me see.\n\nDone."));
    await ended;
    expect(agent.messages.map(({ content }) => content ?? null)).toEqual(["Hello", null, '{"state":"done"}', "Let me see.\n\nDone."]);
    expect(agent.messages[1]).toMatchObject({ toolCalls: [{ function: { arguments: '{"text":"Buy milk"}' } }] });
    agent.close();
  });

  test("that nobody waits for is an error", async () => {
    const { events, ended } = await run(agentOf(), { runId: "n", resume: [{ interruptId: "x", status: "resolved", payload: true }] });
    await ended;
    expect(last(events)).toMatchObject({ type: "RUN_ERROR", message: "Nothing waits for this decision any more." });
  });
});

describe("joining", () => {
  test("an empty thread ends at once", async () => {
    const agent = agentOf(null);
    const { events, ended } = await run(agent, { runId: "j" }, "connectAgent");
    await ended;
    expect(typesOf(events)).toEqual(["RUN_STARTED", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]);
    agent.close();
  });

  test("tells the history first, then all that is under way, one run after the other", async () => {
    server.history.push({ id: "2", message_id: "a", role: "assistant", text: "Hi.", status: "completed", tools: ["get_weather"] }, { id: "1", message_id: "a", role: "user", text: "Hello" });
    server.record("b", { status: "started", question: "A story" });
    server.record("b", text("Once"));
    server.record("c", { status: "started", question: "And then?" });
    const agent = agentOf(null);
    agent.setMessages([{ id: "b:answer", role: "assistant", content: "On" }]);
    const { events, ended } = await run(agent, { runId: "j" }, "connectAgent");
    expect(agent.messages.map(({ content }) => content ?? null)).toEqual(["Hello", null, '{"state":"done"}', "Hi.", "A story", "And then?", "Once"]);
    server.say("b", final("Once upon a time."));
    server.say("c", text("Then"));
    server.say("c", final("Then it ended."));
    await ended;
    expect(events.filter(({ type }) => type === "RUN_STARTED").map((event) => (event as unknown as { runId: string }).runId)).toEqual(["j", "c"]);
    expect(agent.messages.at(-1)!.content).toBe("Then it ended.");
    agent.close();
  });

  test("and stopping stops what is under way at the server", async () => {
    server.record("b", text("Once"));
    const agent = agentOf(null);
    const { events, ended } = await run(agent, {}, "connectAgent");
    agent.abortRun();
    await settle();
    expect(server.requests.at(-1)!.path).toBe("~Yy8x/messages/b/cancel");
    server.say("b", { message: "Once", status: "cancelled", type: "error", final_message: true });
    await ended;
    expect(last(events)).toMatchObject({ outcome: { type: "cancelled" } });
    agent.close();
  });
});

describe("agents", () => {
  test("that are clones share the connection and mix no runs", async () => {
    const agent = agentOf();
    const clone = agent.clone();
    const [one, other] = [await run(agent, { runId: "m" }), await run(clone, { runId: "n" })];
    await server.clock.pass(1_000);
    server.say("n", text("N"));
    server.say("m", text("M"));
    clone.abortRun();
    await settle();
    expect(server.requested("messages/m/cancel")).toBe(0);
    server.say("n", { message: "N", status: "cancelled", type: "error", final_message: true });
    server.say("m", final("M."));
    await Promise.all([one.ended, other.ended]);
    expect([textOf(one.events), textOf(other.events), server.sockets.length]).toEqual(["M.", "N", 1]);
    expect([agent, clone].map(({ messages }) => messages.map(({ content }) => content))).toEqual([["Hello", "M."], ["Hello", "N"]]);
    agent.close();
  });

  test("that go to another thread leave the connection of the one before once nothing runs there", async () => {
    const agent = agentOf();
    const first = await run(agent);
    agent.threadId = "another";
    const second = await run(agent.clone(), { runId: "n" });
    expect(server.sockets.map(({ closedByClient }) => closedByClient)).toEqual([false, false]);
    server.say("m", final("Hi."));
    await first.ended;
    expect(server.sockets.map(({ closedByClient }) => closedByClient)).toEqual([true, false]);
    agent.close();
    await second.ended;
  });

  test("say what they can do", async () => {
    expect(await agentOf().getCapabilities()).toMatchObject({ transport: { resumable: true }, humanInTheLoop: { interrupts: true } });
  });
});
