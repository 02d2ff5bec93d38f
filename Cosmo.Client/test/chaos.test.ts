import { expect, test } from "vitest";
import { type Chat, isOver, type Update } from "../src/index.js";
import { seeded } from "./clock.js";
import { FakeServer } from "./server.js";

const runs = Number(process.env["COSMO_CHAOS_RUNS"] ?? 60);

/** An hour of bad luck: drops, swaps, repeats, dead lines, outages, sleep and close codes, in an order that the seed decides. In the end all is as the server has it. */
test.each([
  ["json.webpubsub.azure.v1", "whole"], ["json.webpubsub.azure.v1", "delta"], ["json.reliable.webpubsub.azure.v1", "whole"], ["json.reliable.webpubsub.azure.v1", "delta"],
] as const)("whatever the network does, %s with %s text shows what the server has, and asks each question once", async (protocol, text) => {
  for (let seed = 1; seed <= runs; seed++) {
    await misfortune(seed, protocol, text);
  }
});

async function misfortune(seed: number, protocol: "json.webpubsub.azure.v1" | "json.reliable.webpubsub.azure.v1", text: "whole" | "delta"): Promise<void> {
  const random = seeded(seed);
  const pick = <T>(...values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const server = new FakeServer();
  const answered = new Map<string, { text: string; question: string; isOver: boolean }>();
  const delayed: (() => void)[] = [];

  /** One attempt a message id, as the server does. */
  server.onMessage = (_, frame) => {
    const { message_id, message } = frame["data"] as { message_id: string; message: string };
    const fate = pick("take", "take", "take_without_ack", "swallow");
    if (fate !== "swallow" && !answered.has(message_id)) {
      answered.set(message_id, { text: "", question: message, isOver: false });
      out(server.record(message_id, { status: "started", question: message }));
    }

    return fate;
  };

  const out = (update: Update): void => {
    const send = (): void => server.send(update);
    const fate = random();
    if (fate < 0.65) {
      send();
    } else if (fate < 0.75) {
      delayed.push(send);
    } else if (fate < 0.85) {
      send();
      send();
    }
  };

  const speak = (): void => {
    for (const [id, answer] of answered) {
      if (answer.isOver || random() < 0.4) {
        continue;
      }

      if (random() < 0.15) {
        answer.isOver = true;
        out(server.record(id, { message: answer.text, status: "completed", type: "response", final_message: true }));
      } else if (random() < 0.2) {
        out(server.record(id, { type: "tool", message: "t", tool: { call_id: `c${Math.floor(random() * 3)}`, name: "n", state: pick("running", "done") } }));
      } else {
        const added = `${Math.floor(random() * 1000)} `;
        const offset = answer.text.length;
        answer.text += added;
        const whole = server.record(id, { message: answer.text, status: "in_progress", type: "response" });
        const { message: _, ...rest } = whole;
        out(text === "whole" ? whole : { ...rest, offset, text: added });
      }
    }
  };

  const chat: Chat = await server.connected({ protocol, text });
  const asked: string[] = [];
  const ends: Promise<unknown>[] = [];
  for (let step = 0; step < 60; step++) {
    const chance = random();
    if (chance < 0.1) {
      const messageId = `m${step}`;
      asked.push(messageId);
      ends.push(chat.ask(`question ${step}`, { messageId }).then(() => "accepted", (error: Error) => error.name));
    } else if (chance < 0.15) {
      server.sockets.filter(({ readyState }) => readyState === 1).forEach((socket) => socket.break(pick(1006, 1001, 1008, 1011)));
    } else if (chance < 0.18) {
      server.socket !== undefined && (server.socket.isDead = true);
    } else if (chance < 0.23) {
      const isDown = random() < 0.5;
      server.fault = () => (isDown ? pick<"unreachable" | { status: number }>("unreachable", { status: 503 }, { status: 404 }) : null);
    } else if (chance < 0.26) {
      await server.clock.sleep(random() * 200_000);
      server.wake();
    } else if (chance < 0.35) {
      delayed.splice(Math.floor(random() * delayed.length), 1).forEach((send) => send());
    } else {
      speak();
    }

    await server.clock.pass(random() * 4_000);
  }

  server.fault = () => null;
  server.onMessage = ((before) => (socket, frame) => {
    before(socket, frame);
    const { message_id, message } = frame["data"] as { message_id: string; message: string };
    answered.has(message_id) || answered.set(message_id, { text: "", question: message, isOver: false });
    return "take";
  })(server.onMessage);
  for (let round = 0; round < 40; round++) {
    speak();
    await server.clock.pass(4_000);
  }

  for (const [id, answer] of answered) {
    if (!answer.isOver) {
      answer.isOver = true;
      server.say(id, { message: answer.text, status: "completed", type: "response", final_message: true, question: answer.question });
    }
  }

  await server.clock.pass(70_000);
  delayed.forEach((send) => send());
  await server.clock.pass(1_000);

  const outcomes = await Promise.all(ends);
  const context = `seed ${seed}`;
  for (const turn of chat.messages) {
    const answer = answered.get(turn.id);
    if (answer !== undefined) {
      expect([turn.id, turn.answer, turn.question, turn.state], context).toEqual([turn.id, answer.text, answer.question, "completed"]);
    }

    expect(isOver(turn), context).toBe(true);
  }

  expect([...answered.keys()].filter((id) => !chat.messages.some((turn) => turn.id === id)), context).toEqual([]);
  expect(outcomes.every((outcome) => ["accepted", "NotSentError", "UnknownOutcomeError"].includes(String(outcome))), context).toBe(true);
  expect(asked.length, context).toBe(outcomes.length);
  chat.close();
  expect(server.clock.timers, context).toBe(0);
}
