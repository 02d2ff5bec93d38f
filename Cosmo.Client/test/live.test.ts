import { afterAll, describe, expect, test } from "vitest";
import { type Chat, connect, type ConnectOptions, isOver, type Turn } from "../src/index.js";
import { api, control, isLive, negotiate, newChannel, platform } from "./stack.js";

const chats: Chat[] = [];
afterAll(() => chats.splice(0).forEach((chat) => chat.close()));

function open(channel: string, options: Partial<ConnectOptions> = {}): Chat {
  const chat = connect({ api, channel, ...options, platform });
  chats.push(chat);
  return chat;
}

/** Waits for a turn that is as it should be. */
function until(chat: Chat, id: string, isSo: (turn: Turn) => boolean): Promise<Turn> {
  return new Promise((resolve) => {
    const look = (): boolean => {
      const turn = chat.messages.find((one) => one.id === id);
      if (turn === undefined || !isSo(turn)) {
        return false;
      }

      resolve(turn);
      return true;
    };
    if (!look()) {
      const end = chat.on("messages", () => look() && end());
    }
  });
}

describe.skipIf(!isLive).each(["json.webpubsub.azure.v1", "json.reliable.webpubsub.azure.v1"] as const)("with real functions, over %s", (protocol) => {
  test("a question is answered, with its tool, as text that grows", async () => {
    const chat = open(newChannel(), { protocol });
    const lengths = new Set<number>();
    chat.on("turn", ({ answer }) => lengths.add(answer.length));

    const { id } = await chat.ask("Weather in Makati?");
    const turn = await until(chat, id, isOver);

    expect(turn).toMatchObject({ state: "completed", question: "Weather in Makati?", error: null });
    expect(turn.answer).toContain("°C");
    expect(turn.tools.map(({ name, state }) => [name, state])).toEqual([["get_weather", "done"]]);
    expect(turn.usage!.output_tokens).toBeGreaterThan(0);
    expect(lengths.size).toBeGreaterThan(3);
    await chat.feedback(id, "up", "Sunny.");
  });

  test("a client that gets only what is new of a text has the same turns, the one that comes in mid-answer too", async () => {
    const channel = newChannel();
    const [whole, delta] = [open(channel, { protocol }), open(channel, { protocol, text: "delta" })];
    const answers: string[] = [];
    delta.on("turn", ({ answer }) => answers.push(answer));
    const { id } = await delta.ask(`long story in pieces ${channel}`);
    await until(delta, id, ({ answer }) => answer.length > 40);

    const second = open(channel, { protocol, text: "delta" });
    const [one, other, third] = await Promise.all([whole, delta, second].map((chat) => until(chat, id, isOver)));

    expect(one!.state).toBe("completed");
    expect([other!.answer, third!.answer]).toEqual([one!.answer, one!.answer]);
    expect(new Set(answers).size).toBeGreaterThan(3);
    expect(answers.every((answer) => one!.answer.startsWith(answer))).toBe(true);
  });

  test("a second client that comes in mid-answer gets all of it, and both end alike; the history tells it to a third", async () => {
    const channel = newChannel();
    const first = open(channel, { protocol });
    const { id } = await first.ask(`long story ${channel}`);
    await until(first, id, ({ answer }) => answer.length > 40);

    const second = open(channel, { protocol });
    const joined = await until(second, id, ({ answer }) => answer !== "");
    const [one, other] = await Promise.all([until(first, id, isOver), until(second, id, isOver)]);

    expect(joined.state).toBe("answering");
    expect(joined.question).toBe(`long story ${channel}`);
    expect(other).toEqual({ ...one, createdAt: other.createdAt });
    await until(first, id, isOver);
    const page = await second.history({ limit: 10 });
    expect(page.messages.map(({ role, text }) => [role, text])).toEqual([["assistant", one.answer], ["user", one.question]]);
    expect(second.messages.length).toBe(1);
  });

  test("a client that is reloaded in mid-answer finds it, and asks nothing twice", async () => {
    const channel = newChannel();
    const before = open(channel, { protocol });
    const { id } = await before.ask(`long story ${channel}`);
    await until(before, id, ({ answer }) => answer !== "");
    before.close();

    const after = open(channel, { protocol });
    await after.ask(`long story ${channel}`, { messageId: id, mayHaveBeenSent: true });
    const turn = await until(after, id, isOver);

    expect(turn.state).toBe("completed");
    expect(after.messages.length).toBe(1);
  });

  test("an answer is stopped, and what was seen of it stays", async () => {
    const chat = open(newChannel(), { protocol });
    const { id } = await chat.ask("long story to stop");
    const seen = await until(chat, id, ({ answer }) => answer.length > 20);

    expect(await chat.cancel(id)).toBe("cancelling");
    const turn = await until(chat, id, isOver);

    expect(turn.state).toBe("cancelled");
    expect(turn.answer.startsWith(seen.answer)).toBe(true);
    expect(await chat.cancel(id)).toBe("over");
    await expect(chat.cancel("another")).rejects.toMatchObject({ code: "refused", status: 404 });
  });

  test("a question that the server does not take is refused with its sentence", async () => {
    const chat = open(newChannel(), { protocol });
    await expect(chat.ask("x".repeat(32_001))).rejects.toMatchObject({ code: "refused", message: expect.stringContaining("request format") as string });
    expect(chat.messages[0]!.state).toBe("refused");
  });
});

describe.skipIf(!isLive)("with real functions and their back end", () => {
  test("a call of a tool waits for a user of the host application, and is made or not as that one says", async () => {
    const channel = newChannel();
    const chat = open(channel, { negotiate: () => negotiate(channel) });
    for (const [isApproved, end] of [[true, "done"], [false, "refused"]] as const) {
      const { id } = await chat.ask("Please note this");
      const [waiting] = (await until(chat, id, ({ tools }) => tools.some(({ state }) => state === "awaiting_approval"))).tools;
      expect(waiting!.arguments).toEqual({ text: "Buy milk" });

      await chat.approve(id, waiting!.call_id, isApproved, "Said so.");
      const turn = await until(chat, id, isOver);

      expect([turn.state, turn.answer, turn.tools.map(({ state }) => state)]).toEqual(["completed", "So be it.", [end]]);
      await expect(chat.approve(id, waiting!.call_id, true)).rejects.toMatchObject({ code: "refused", status: 409 });
    }
  });

  test("a question in the place of another takes that one away, also from another tab", async () => {
    const channel = newChannel();
    const [chat, other] = [open(channel), open(channel)];
    const { id } = await chat.ask("Hello");
    await until(chat, id, isOver);
    const again = await chat.ask("Hello again", { replaces: id });
    await Promise.all([until(chat, again.id, isOver), until(other, again.id, isOver)]);
    expect([chat, other].map(({ messages }) => messages.map(({ question }) => question))).toEqual([["Hello again"], ["Hello again"]]);
  });
});

describe.skipIf(!isLive)("with real functions that stop", { concurrent: false }, () => {
  test("an answer goes on after a restart in the middle of it, and a question that is asked meanwhile is answered once", async () => {
    const chat = open(newChannel());
    const { id } = await chat.ask("long story over a restart");
    await until(chat, id, ({ answer }) => answer !== "");

    await fetch(`${control}/kill`, { method: "POST" });
    const asked = chat.ask("Hello in between");
    await fetch(`${control}/start`, { method: "POST" });
    const [first, second] = [await until(chat, id, isOver), await until(chat, (await asked).id, isOver)];

    expect([first.state, second.state]).toEqual(["completed", "completed"]);
    const { messages } = await chat.history();
    expect(messages.filter(({ role, text }) => role === "user" && text === "Hello in between").length).toBe(1);
    expect(chat.messages.map(({ question }) => question)).toEqual(["long story over a restart", "Hello in between"]);
  }, 40_000);
});
