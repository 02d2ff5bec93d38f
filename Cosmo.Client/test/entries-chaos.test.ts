import { Chat } from "@ai-sdk/react";
import { expect, test, vi } from "vitest";
import { CosmoAgent } from "../src/ag-ui/index.js";
import { CosmoChatTransport, type CosmoUIMessage } from "../src/ai-sdk/index.js";
import type { Update } from "../src/index.js";
import { seeded, settle } from "./clock.js";
import { channel, FakeServer } from "./server.js";

const runs = Number(process.env["COSMO_CHAOS_RUNS"] ?? 25);
const complaints = vi.spyOn(console, "warn");

/** Two minutes of bad luck in the middle of an answer, with calls and a text that is begun anew. Both entry points tell what the server has, and no event too much. */
test.each(["whole", "delta"] as const)("whatever the network does, both entry points end with the answer, text as %s", async (text) => {
  for (let seed = 1; seed <= runs; seed++) {
    await misfortune(seed, text);
  }

  expect(complaints.mock.calls).toEqual([]);
});

async function misfortune(seed: number, text: "whole" | "delta"): Promise<void> {
  const random = seeded(seed);
  const pick = <T>(...values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const server = new FakeServer();
  const agent = new CosmoAgent({ ...server.options, text, threadId: channel, initialMessages: [{ id: "u", role: "user", content: "Hello" }] });
  const transport = new CosmoChatTransport({ ...server.options, text });
  const chat = new Chat<CosmoUIMessage>({ id: channel, transport });
  const ran = agent.runAgent({ runId: "m" });
  server.say("m", { status: "started", question: "Hello" });
  const resumed = chat.resumeStream();
  await settle();

  const delayed: (() => void)[] = [];
  const out = (update: Update): void => {
    const send = (): void => server.send(update);
    pick(send, send, send, () => delayed.push(send), () => {}, () => [send, send].forEach((again) => again()))();
  };
  let answer = "";
  const calls: string[] = [];
  for (let step = 0; step < 40; step++) {
    const chance = random();
    if (chance < 0.4) {
      const isAnew = random() < 0.08;
      const added = `${Math.floor(random() * 1000)} `;
      const offset = isAnew ? 0 : answer.length;
      answer = isAnew ? added : answer + added;
      const { message, ...rest } = server.record("m", { message: answer, status: "in_progress", type: "response" });
      out(text === "whole" || isAnew ? { ...rest, message: message! } : { ...rest, offset, text: added });
    } else if (chance < 0.5) {
      calls.push(`c${calls.length}`);
      out(server.record("m", { type: "tool", message: "t", tool: { call_id: calls.at(-1)!, name: "n", state: "running" } }));
    } else if (chance < 0.6 && calls.length > 0) {
      out(server.record("m", { type: "tool", message: "t", tool: { call_id: pick(...calls), name: "n", state: pick("done", "failed") } }));
    } else if (chance < 0.7) {
      server.sockets.filter(({ readyState }) => readyState === 1).forEach((socket) => socket.break(pick(1006, 1001, 1008, 1011)));
    } else if (chance < 0.75) {
      const isDown = random() < 0.5;
      server.fault = () => (isDown ? pick<"unreachable" | { status: number }>("unreachable", { status: 503 }) : null);
    } else if (chance < 0.8) {
      server.wake();
    } else {
      delayed.splice(Math.floor(random() * delayed.length), 1).forEach((send) => send());
    }

    await server.clock.pass(random() * 3_000);
  }

  server.fault = () => null;
  await server.clock.pass(30_000);
  // A call whose update was lost just before the end is shown by the turn, but after the stream.
  server.wake();
  await settle();
  server.say("m", { message: answer, status: "completed", type: "response", final_message: true });
  await Promise.all([ran, resumed]);

  const told = agent.messages.filter(({ role }) => role === "assistant");
  const context = `seed ${seed}`;
  expect(told.map(({ content }) => content ?? "").join(""), context).toBe(answer);
  expect(told.flatMap((message) => ("toolCalls" in message ? message.toolCalls ?? [] : [])).map(({ id }) => id).sort(), context).toEqual([...calls].sort());
  const parts = chat.lastMessage!.parts;
  expect(parts.map((part) => (part.type === "text" ? part.text : "")).join(""), context).toBe(answer);
  expect(parts.flatMap((part) => (part.type === "dynamic-tool" ? [part.toolCallId] : [])).sort(), context).toEqual([...calls].sort());
  expect([chat.status, chat.error], context).toEqual(["ready", undefined]);
  agent.close();
  transport.close();
  expect(server.clock.timers, context).toBe(0);
}
