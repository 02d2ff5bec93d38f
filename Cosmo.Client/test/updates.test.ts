import { describe, expect, test } from "vitest";
import { RefusedError, type Turn, type Update } from "../src/index.js";
import { settle } from "./clock.js";
import { FakeServer } from "./server.js";

const text = (message: string): Partial<Update> => ({ message, status: "in_progress", type: "response" });
const final = (message: string): Partial<Update> => ({ message, status: "completed", type: "response", final_message: true });
const tool = (state: "running" | "done" | "awaiting_approval", callId = "c1"): Partial<Update> => ({ type: "tool", message: "Executing get_weather...", tool: { call_id: callId, name: "get_weather", state } });
const only = ({ messages }: { messages: readonly Turn[] }): Turn => {
  expect(messages.length).toBe(1);
  return messages[0]!;
};

describe("an answer", () => {
  test("grows through its states, with tools, status, usage and what it was asked", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    const states: string[] = [];
    chat.on("turn", ({ state, status, answer }) => states.push(`${state}|${status}|${answer}`));
    server.say("m", { status: "started", message: "Assistant is processing your request...", question: "Weather?", profile: "weather" });
    server.say("m", tool("running"));
    server.say("m", tool("done"));
    server.say("m", text("It is"));
    server.say("m", { ...final("It is 31 °C."), thread_id: "conv_1", usage: { input_tokens: 1, cached_input_tokens: 0, output_tokens: 2, model: "x", rounds: 2 }, incomplete: "max_output_tokens" });
    expect(states).toEqual([
      "working|Assistant is processing your request...|", "working|Executing get_weather...|", "working|Executing get_weather...|", "answering|null|It is", "completed|null|It is 31 °C.",
    ]);
    expect(only(chat)).toMatchObject({ id: "m", question: "Weather?", profile: "weather", threadId: "conv_1", incomplete: "max_output_tokens", usage: { output_tokens: 2 }, error: null, createdAt: server.clock.now });
    expect(only(chat).tools.map(({ call_id, state }) => [call_id, state])).toEqual([["c1", "done"]]);
    chat.close();
  });

  test("that was stopped keeps its text, one that failed keeps it too and says why", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.say("a", { message: "So far", status: "cancelled", type: "error", final_message: true, error_details: "Cancelled on request" });
    server.say("b", text("Half"));
    server.say("b", { message: "The response was interrupted.", status: "error", type: "timeout", final_message: true, error_details: "Stream" });
    expect(chat.messages.map(({ state, answer, error }) => [state, answer, error])).toEqual([
      ["cancelled", "So far", null], ["failed", "Half", { message: "The response was interrupted.", details: "Stream", isTimeout: true }],
    ]);
    chat.close();
  });

  test("takes nothing after its end, nothing twice and nothing that is older", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    const old = server.record("m", text("It"));
    const newer = server.say("m", text("It is"));
    const before = only(chat);
    let updates = 0;
    chat.on("update", () => updates++);
    server.send(newer);
    server.send(old);
    expect([updates, only(chat)]).toEqual([0, before]);
    server.say("m", final("It is so."));
    server.say("m", text("It is not"));
    expect([updates, only(chat).answer, only(chat).state]).toEqual([1, "It is so.", "completed"]);
    chat.close();
  });

  test("that failed begins again when the server tries once more", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    const first = server.say("m", { status: "started", question: "Q" });
    server.say("m", { message: "No.", status: "error", type: "error", final_message: true });
    server.send(first);
    expect(only(chat).state).toBe("failed");
    server.say("m", { status: "started", question: "Q" });
    expect(only(chat)).toMatchObject({ state: "working", error: null, question: "Q" });
    server.say("m", final("Yes."));
    expect(only(chat)).toMatchObject({ state: "completed", answer: "Yes." });
    chat.close();
  });

  test("of another channel, or what is no update, is left alone", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    for (const data of [null, 1, "x", [], {}, { channel: "other", payload: server.record("m", text("x")) }, { channel: "c/1", payload: { message_id: 1 } }, { channel: "c/1", payload: { message_id: "m", message: 1, status: "x", type: "y" } }]) {
      server.frame(server.socket, { type: "message", from: "group", dataType: "json", data });
    }
    server.socket.onmessage!({ data: "{" });
    server.socket.onmessage!({ data: new ArrayBuffer(2) });
    expect(chat.messages).toEqual([]);
    expect(chat.state.name).toBe("connected");
    chat.close();
  });

  test("comes also where the server could not number it", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.say("m", text("It"));
    const { sequence: _, ...unnumbered } = server.record("m", final("It is."));
    server.deliver(server.socket, unnumbered);
    expect(only(chat)).toMatchObject({ state: "completed", answer: "It is." });
    chat.close();
  });

  test("asked in the place of another hides that one and what came after, unless it is refused", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    for (const id of ["a", "b", "c"]) {
      server.say(id, { status: "started", question: id });
      server.say(id, final(id));
    }
    server.onMessage = () => "swallow";
    const asked = chat.ask("b, edited", { messageId: "d", replaces: "b" });
    expect(chat.messages.map(({ id }) => id)).toEqual(["a", "d"]);
    server.refuse(server.socket, "d", "No.");
    await expect(asked).rejects.toThrow("No.");
    expect(chat.messages.map(({ id }) => id)).toEqual(["a", "b", "c", "d"]);
    server.say("f", { message: "No such message.", status: "error", type: "error", final_message: true, replaces: "a" });
    expect(chat.messages.map(({ id }) => id)).toEqual(["a", "b", "c", "d", "f"]);
    server.say("e", { status: "started", question: "b, again", replaces: "b" });
    expect(chat.messages.map(({ id }) => id)).toEqual(["a", "e"]);
    chat.close();
  });

  test("a listener that throws harms no other", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    const thrown: unknown[] = [];
    const listener = (error: unknown): void => void thrown.push(error);
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", listener);
    chat.on("turn", () => {
      throw new Error("of the page");
    });
    let seen = 0;
    chat.on("turn", () => seen++);
    server.say("m", text("x"));
    await settle();
    process.removeListener("uncaughtException", listener);
    others.forEach((one) => process.on("uncaughtException", one));
    expect([seen, String(thrown[0])]).toEqual([1, "Error: of the page"]);
    chat.close();
  });
});

describe("catching up", () => {
  test("a client that comes in mid-answer gets all of it, from the beginning", async () => {
    const server = new FakeServer();
    server.record("m", { status: "started", question: "Q" });
    server.record("m", tool("done"));
    server.record("m", text("So far"));
    const chat = await server.connected();
    expect(only(chat)).toMatchObject({ question: "Q", answer: "So far", state: "answering" });
    expect(only(chat).tools.length).toBe(1);
    chat.close();
  });

  test("asks after every connection for what came after the last that it has without a hole", async () => {
    const server = new FakeServer();
    server.record("m", text("one"));
    const chat = await server.connected();
    server.isDelivered = () => false;
    server.say("m", text("one two"));
    server.isDelivered = () => true;
    server.socket.break();
    server.say("m", text("one two three"));
    await server.clock.pass(1_000);
    expect(server.requests.filter(({ path }) => path.includes("updates")).map(({ path }) => path.split("after=")[1])).toEqual(["0", "101"]);
    expect(only(chat).answer).toBe("one two three");
    chat.close();
  });

  test("what arrives meanwhile is taken in its order, after what was missed", async () => {
    const server = new FakeServer();
    const chat = server.connect();
    const seen: (string | undefined)[] = [];
    chat.on("update", ({ message }) => seen.push(message));
    server.record("m", { status: "started", message: "first", question: "Q" });
    chat.on("state", ({ name }) => {
      if (name === "connected") {
        server.deliver(server.socket, server.record("m", text("third")));
        server.deliver(server.socket, server.record("m", text("fourth")));
      }
    });
    await settle();
    expect(seen.at(0)).toBe("first");
    expect(seen.at(-1)).toBe("fourth");
    chat.close();
  });

  test("updates go on where the server does not tell what was missed, and it is asked again until it does", async () => {
    const server = new FakeServer();
    server.fault = (path) => (path.includes("updates") ? { status: 503 } : null);
    const early = server.record("m", { status: "started", question: "Q" });
    server.record("m", tool("done"));
    const chat = await server.connected();
    const faults: unknown[] = [];
    chat.on("fault", (fault) => faults.push(fault));
    server.say("m", text("Live"));
    expect(only(chat)).toMatchObject({ answer: "Live", question: null });
    await server.clock.pass(10_000);
    expect(faults.length).toBeGreaterThan(2);
    server.fault = () => null;
    await server.clock.pass(20_000);
    expect(only(chat)).toMatchObject({ answer: "Live", question: "Q", state: "answering", createdAt: early.timestamp! * 1000 });
    expect(only(chat).tools.map(({ state }) => state)).toEqual(["done"]);
    chat.close();
  });

  test("a refusal to tell is not asked again on this connection", async () => {
    const server = new FakeServer();
    server.fault = (path) => (path.includes("updates") ? { status: 403, body: { title: "No" } } : null);
    const chat = await server.connected();
    await server.clock.pass(100_000);
    expect(server.requested("updates")).toBe(1);
    expect(chat.state.name).toBe("connected");
    chat.close();
  });

  test("a hole in the sequence is asked for after a moment, once, and not where it closes by itself", async () => {
    const server = new FakeServer();
    server.record("before", final("x"));
    const chat = await server.connected();
    server.say("m", { status: "started" });
    const late = server.record("m", tool("running"));
    server.say("m", text("x"));
    server.send(late);
    await server.clock.pass(5_000);
    expect(server.requested("updates")).toBe(1);
    server.record("m", tool("done"));
    server.say("m", text("xy"));
    await server.clock.pass(5_000);
    expect(server.requested("updates")).toBe(2);
    expect(chat.messages[1]!.tools.map(({ state }) => state)).toEqual(["done"]);
    chat.close();
  });
});

describe("deltas", () => {
  const piece = (offset: number, added: string): Partial<Update> => ({ status: "in_progress", type: "response", offset, text: added });
  const saysPiece = (server: FakeServer, offset: number, added: string, all: string): void => {
    const { message: _, ...rest } = { ...server.record("m", text(all)), ...piece(offset, added) };
    server.send(rest);
  };

  test("are asked for and put together, in UTF-16 code units", async () => {
    const server = new FakeServer();
    const chat = await server.connected({ text: "delta" });
    expect(server.requests[0]!.path).toBe("~Yy8x/negotiate?text=delta");
    saysPiece(server, 0, "a😀", "a😀");
    saysPiece(server, 3, "b", "a😀b");
    expect(only(chat).answer).toBe("a😀b");
    saysPiece(server, 0, "new", "new");
    expect(only(chat).answer).toBe("new");
    server.say("m", final("new answer"));
    expect(only(chat).answer).toBe("new answer");
    chat.close();
  });

  test("a gap is never shown: the whole text is asked for", async () => {
    const server = new FakeServer();
    const chat = await server.connected({ text: "delta" });
    const answers: string[] = [];
    chat.on("turn", ({ answer }) => answers.push(answer));
    saysPiece(server, 0, "one ", "one ");
    server.isDelivered = () => false;
    saysPiece(server, 4, "two ", "one two ");
    server.isDelivered = () => true;
    saysPiece(server, 8, "three ", "one two three ");
    saysPiece(server, 14, "four", "one two three four");
    await settle();
    expect(answers.at(-1)).toBe("one two three four");
    expect(answers.every((answer) => "one two three four".startsWith(answer))).toBe(true);
    saysPiece(server, 18, "!", "one two three four!");
    expect(only(chat).answer).toBe("one two three four!");
    expect(server.requested("updates")).toBeLessThanOrEqual(3);
    chat.close();
  });

  test("pieces that change places are put right", async () => {
    const server = new FakeServer();
    const chat = await server.connected({ text: "delta" });
    const { message: _, ...second } = { ...server.record("m", text("ab")), ...piece(1, "b") };
    server.send(second);
    await settle();
    expect(only(chat).answer).toBe("ab");
    chat.close();
  });
});

describe("the history", () => {
  const said = (id: string, role: string, said: string, more: object = {}): Record<string, unknown> => ({ id, role, text: said, ...more });

  test("stands before what is live, pairs questions with answers, and is there once", async () => {
    const server = new FakeServer();
    server.history.push(
      said("6", "assistant", "A3", { message_id: "m3", status: "cancelled" }), said("5", "user", "Q3", { message_id: "m3" }), said("4", "user", "Q2"),
      said("2", "assistant", "A1", { message_id: "m1", status: "completed", tools: ["get_weather"], created_at: "2026-01-01T00:00:00Z" }), said("1", "user", "Q1", { message_id: "m1" }), said("0", "assistant", "A0"), said("00", "user", "Q0"));
    const chat = await server.connected();
    server.say("m4", { status: "started", question: "Q4" });
    await chat.history({ limit: 7 });
    await chat.history({ limit: 7 });
    expect(chat.messages.map(({ id, question, answer, state }) => [id, question, answer, state])).toEqual([
      ["item:00", "Q0", "A0", "completed"], ["m1", "Q1", "A1", "completed"], ["item:4", "Q2", "", "lost"], ["m3", "Q3", "A3", "cancelled"], ["m4", "Q4", "", "working"],
    ]);
    expect(chat.messages[1]!.tools.map(({ name }) => name)).toEqual(["get_weather"]);
    expect(server.requests.at(-1)!.path).toBe("~Yy8x/messages?limit=7");
    server.history.splice(0, 7, said("-1", "user", "older", { message_id: "m0" }));
    await chat.history({ before: "cursor" });
    expect(chat.messages[0]!.id).toBe("m0");
    expect(server.requests.at(-1)!.path).toBe("~Yy8x/messages?before=cursor");
    chat.close();
  });

  test("an answer to several questions stands at the one that it names", async () => {
    const server = new FakeServer();
    server.history.push(said("3", "assistant", "A", { message_id: "m1", status: "completed" }), said("2", "user", "Q2", { message_id: "m2" }), said("1", "user", "Q1", { message_id: "m1" }));
    const chat = await server.connected();
    await chat.history();
    expect(chat.messages.map(({ id, question, answer }) => [id, question, answer])).toEqual([["m1", "Q1", "A"], ["m2", "Q2", ""]]);
    server.say("m2", { ...final("A"), answered_by: "m1" });
    expect(chat.messages[1]).toMatchObject({ state: "completed", answer: "A", answeredBy: "m1" });
    chat.close();
  });

  test("an answer under way stands there once, though the history does not name it yet", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.say("m", { status: "started", question: "Q" });
    server.history.push(said("2", "assistant", "Let me look."), said("1", "user", "Q"));
    await chat.history();
    expect(only(chat).id).toBe("m");
    chat.close();
  });

  test("a turn of which nothing comes any more is looked for before it is given up, and the server's word counts whenever it comes", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.say("m", { status: "started", question: "Q" });
    await server.clock.pass(140_000);
    expect(server.requested("messages")).toBe(0);
    await server.clock.pass(50_000);
    expect(only(chat)).toMatchObject({ state: "lost", status: null });
    expect(server.requested("messages")).toBe(1);
    server.say("m", text("Here I am"));
    expect(only(chat)).toMatchObject({ state: "answering", answer: "Here I am", error: null });
    server.history.push(said("2", "assistant", "Here I am again.", { message_id: "m", status: "completed" }), said("1", "user", "Q", { message_id: "m" }));
    await server.clock.pass(200_000);
    expect(only(chat)).toMatchObject({ state: "completed", answer: "Here I am again." });
    chat.close();
  });

  test("a machine that slept for long asks before it judges, and where nobody answers it does not judge", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.say("m", { status: "started", question: "Q" });
    server.record("m", final("Done while you slept."));
    server.fault = () => "unreachable";
    await server.clock.sleep(400_000);
    await server.clock.pass(100_000);
    expect(only(chat).state).toBe("working");
    server.fault = () => null;
    await server.clock.pass(30_000);
    expect(only(chat)).toMatchObject({ state: "completed", answer: "Done while you slept." });
    chat.close();
  });

  test("a call that waits for a person is waited for", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.say("m", tool("awaiting_approval"));
    await server.clock.pass(1_000_000);
    expect(only(chat)).toMatchObject({ state: "working", status: null });
    chat.close();
  });

  test("what the server refuses is told", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.fault = () => ({ status: 400, body: { title: "Not a page", detail: "'limit' must be from 1 to 100." } });
    await expect(chat.history({ limit: 0 })).rejects.toEqual(new RefusedError("'limit' must be from 1 to 100.", "Not a page", 400));
    chat.close();
  });
});
