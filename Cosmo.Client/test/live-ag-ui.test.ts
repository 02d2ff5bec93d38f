import { type BaseEvent, buildResumeArray, type RunAgentParameters, type RunAgentResult } from "@ag-ui/client";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { CosmoAgent, type CosmoAgentConfig } from "../src/ag-ui/index.js";
import { api, isLive, negotiate, newChannel, platform, until } from "./stack.js";

/** What the package's own enforcement says goes to the console; what its verification says fails the run. */
const complaints = vi.spyOn(console, "warn");
afterEach(() => expect(complaints.mock.calls).toEqual([]));

const agents: CosmoAgent[] = [];
afterAll(() => agents.splice(0).forEach((agent) => agent.close()));

function agentOf(threadId: string, question: string | null, more: Partial<CosmoAgentConfig> = {}): CosmoAgent {
  const agent = new CosmoAgent({ api, platform, threadId, ...more, ...(question === null ? {} : { initialMessages: [{ id: crypto.randomUUID(), role: "user", content: question }] }) });
  agents.push(agent);
  return agent;
}

function start(agent: CosmoAgent, how: "runAgent" | "connectAgent" = "runAgent", parameters: RunAgentParameters = {}): { events: BaseEvent[]; ended: Promise<RunAgentResult> } {
  const events: BaseEvent[] = [];
  return { events, ended: agent[how](parameters, { onEvent: ({ event }) => void events.push(event) }) };
}

const typesOf = (events: BaseEvent[]): string[] => [...new Set(events.map(({ type }) => type))];
const answerOf = (agent: CosmoAgent): string => String(agent.messages.filter(({ role, content }) => role === "assistant" && content !== undefined).at(-1)?.content ?? "");

describe.skipIf(!isLive).each(["whole", "delta"] as const)("AG-UI with real functions, text as %s", (text) => {
  test("a question is answered, with its tool, status and usage", async () => {
    const agent = agentOf(newChannel(), "Weather in Makati?", { text });
    const { events, ended } = start(agent);
    await ended;
    expect(typesOf(events)).toEqual([
      "RUN_STARTED", "CUSTOM", "TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED",
    ]);
    expect(events.filter(({ type }) => type === "TEXT_MESSAGE_CONTENT").length).toBeGreaterThan(3);
    expect(events.at(-1)).toMatchObject({ outcome: { type: "success" }, usage: [{ model: expect.any(String) as string, outputTokens: expect.any(Number) as number }] });
    expect(answerOf(agent)).toContain("°C");
  });

  test("a second agent joins in mid-answer, and a third one has it as history", async () => {
    const channel = newChannel();
    const first = agentOf(channel, `long story ${channel}`, { text });
    const one = start(first);
    await until(() => answerOf(first).length > 40);
    const second = agentOf(channel, null, { text });
    const other = start(second, "connectAgent");
    await until(() => answerOf(second) !== "");
    expect(first.isRunning).toBe(true);
    await Promise.all([one.ended, other.ended]);
    const third = agentOf(channel, null, { text });
    await start(third, "connectAgent").ended;
    expect([second, third].map((agent) => agent.messages.map(({ content }) => content))).toEqual([first, first].map((agent) => agent.messages.map(({ content }) => content)));
    expect(third.messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
  });

  test("an answer is stopped at the server, also by an agent that joined it", async () => {
    const channel = newChannel();
    const first = agentOf(channel, "long story to stop", { text });
    const one = start(first);
    await until(() => answerOf(first).length > 20);
    const second = agentOf(channel, null, { text });
    const other = start(second, "connectAgent");
    await until(() => answerOf(second) !== "");
    second.abortRun();
    await Promise.all([one.ended, other.ended]);
    expect([one, other].map(({ events }) => events.at(-1))).toMatchObject([{ outcome: { type: "cancelled" } }, { outcome: { type: "cancelled" } }]);
    expect(answerOf(first)).toBe(answerOf(second));
  });

  test("leaving stops nothing", async () => {
    const agent = agentOf(newChannel(), "long story to leave", { text });
    const { ended } = start(agent);
    await until(() => answerOf(agent).length > 20);
    await agent.detachActiveRun();
    await ended;
    await start(agent, "connectAgent").ended;
    expect(answerOf(agent).length).toBeGreaterThan(100);
    expect(agent.messages.length).toBe(2);
  });
});

describe.skipIf(!isLive)("AG-UI with real functions and their back end", () => {
  test("a call waits for a user, who says yes, then no after a reload", async () => {
    const channel = newChannel();
    const agent = agentOf(channel, "Please note for AG-UI", { negotiate });
    await start(agent).ended;
    const resume = (from: CosmoAgent, approved: boolean): Promise<RunAgentResult> =>
      start(from, "runAgent", { resume: buildResumeArray(from.pendingInterrupts, { [from.pendingInterrupts[0]!.id]: { status: "resolved", payload: { approved } } }) }).ended;
    expect(agent.pendingInterrupts).toMatchObject([{ reason: "tool_call", metadata: { cosmo: { arguments: { text: "Buy milk" } } } }]);
    await resume(agent, true);
    expect([answerOf(agent), agent.messages.filter(({ role }) => role === "tool").map(({ content }) => String(content).includes('"done"'))]).toEqual(["So be it.", [true]]);

    agent.addMessage({ id: crypto.randomUUID(), role: "user", content: "Please note for AG-UI" });
    await start(agent).ended;
    const reloaded = agentOf(channel, null, { negotiate });
    await start(reloaded, "connectAgent").ended;
    await resume(reloaded, false);
    expect(reloaded.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant", "user", "assistant", "tool", "assistant"]);
    expect(reloaded.messages.at(-2)!.content).toContain('"refused"');
  });

  test("clones ask side by side, and nothing is mixed", async () => {
    const agent = agentOf(newChannel(), "long story of one");
    const clone = agent.clone();
    clone.threadId = newChannel();
    clone.setMessages([{ id: "x", role: "user", content: "Weather in Makati?" }]);
    await Promise.all([start(agent).ended, start(clone).ended]);
    expect(answerOf(clone)).toContain("°C");
    expect(answerOf(agent)).not.toContain("°C");
  });
});
