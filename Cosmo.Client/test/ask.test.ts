import { describe, expect, test } from "vitest";
import { ClosedError, NotSentError, RefusedError, routeName, UnavailableError, UnknownOutcomeError } from "../src/index.js";
import { settle } from "./clock.js";
import { FakeServer } from "./server.js";

describe("asking", () => {
  test("the turn is there at once, and the promise says that the server has it", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    const asked = chat.ask("Hello", { messageId: "m", profile: "weather", replaces: "x" });
    expect(chat.messages[0]).toMatchObject({ id: "m", question: "Hello", state: "sending" });
    await server.clock.pass(1_000);
    expect((await asked).state).toBe("queued");
    expect(server.socket.sent("event")).toEqual([{ type: "event", event: "message", ackId: 1, dataType: "json", data: { message_id: "m", message: "Hello", profile: "weather", replaces: "x" } }]);
    chat.close();
  });

  test("the first update says it too, without an ack", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.onMessage = () => "take_without_ack";
    const asked = chat.ask("Hello", { messageId: "m" });
    await settle();
    server.say("m", { status: "started" });
    expect((await asked).state).toBe("working");
    chat.close();
  });

  test("a question waits for a connection, and questions leave in their order", async () => {
    const server = new FakeServer();
    server.fault = () => "unreachable";
    const chat = await server.connected();
    const asked = ["1", "2", "3"].map((text) => chat.ask(text));
    await server.clock.pass(60_000);
    server.fault = () => null;
    await server.clock.pass(22_000);
    await Promise.all(asked);
    expect(server.taken.map(({ message }) => message)).toEqual(["1", "2", "3"]);
    chat.close();
  });

  test("one that is asked as soon as another was taken goes at once", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    const both = chat.ask("1").then(() => chat.ask("2"));
    await server.clock.pass(1_000);
    await both;
    expect(server.taken.length).toBe(2);
    chat.close();
  });

  test.each(["before", "after"])("a refusal that comes %s the ack rejects with the server's sentence", async (when) => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.onMessage = (socket, { ackId }) => {
      const ack = (): void => socket.give({ type: "ack", ackId, success: true });
      when === "after" && ack();
      server.refuse(socket, null, "Please sign in to send messages.", "Details");
      when === "before" && ack();
      return "swallow";
    };
    await expect(chat.ask("Hello")).rejects.toEqual(new RefusedError("Please sign in to send messages.", "Details"));
    expect(chat.messages[0]).toMatchObject({ state: "refused", error: { message: "Please sign in to send messages.", details: "Details" } });
    chat.close();
  });

  test("a refusal that comes late still ends the turn", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    void chat.ask("Hello", { messageId: "m" });
    await server.clock.pass(1_000);
    server.refuse(server.socket, "m", "No.");
    expect(chat.messages[0]).toMatchObject({ state: "refused", error: { message: "No." } });
    chat.close();
  });

  test("a right to send that has ended at the server renews the connection, and the question goes again", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.onMessage = (socket, { ackId }) => {
      if (server.sockets.length > 1) {
        return "take";
      }
      server.refuse(socket, "m", "Your connection has to be renewed.", "The right to send has ended with the connection's token; negotiate another.");
      socket.give({ type: "ack", ackId, success: true });
      return "swallow";
    };
    const asked = chat.ask("Hello", { messageId: "m" });
    await server.clock.pass(5_000);
    expect((await asked).state).toBe("queued");
    expect(server.taken.length).toBe(1);
    chat.close();
  });

  test.each(["Forbidden", "NotFound"])("an ack that says %s is a refusal", async (name) => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.onMessage = (socket, { ackId }) => {
      socket.give({ type: "ack", ackId, success: false, error: { name, message: "m" } });
      return "swallow";
    };
    await expect(chat.ask("Hello")).rejects.toBeInstanceOf(RefusedError);
    chat.close();
  });

  test("an ack that says Duplicate is an acceptance", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.onMessage = (socket, { ackId }) => {
      socket.give({ type: "ack", ackId, success: false, error: { name: "Duplicate" } });
      return "swallow";
    };
    const asked = chat.ask("Hello");
    await server.clock.pass(1_000);
    expect((await asked).state).toBe("queued");
    chat.close();
  });

  test.each([["updates", true], ["history", true], ["nowhere", false]] as const)("a question whose ack was lost is looked for first; it stands in %s", async (where, isThere) => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.onMessage = (socket, { data }) => {
      server.onMessage = () => "take";
      isThere && server.taken.push(data as never);
      where === "updates" && server.record("m", { status: "started", question: "Hello" });
      where === "history" && server.history.push({ id: "1", message_id: "m", role: "user", text: "Hello" });
      queueMicrotask(() => socket.break());
      return "swallow";
    };
    const asked = chat.ask("Hello", { messageId: "m" });
    await server.clock.pass(3_000);
    await asked;
    expect(server.taken.length).toBe(1);
    expect(server.requested("messages")).toBe(where === "updates" ? 0 : 1);
    chat.close();
  });

  test("an ack that never comes is a lost line", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.onMessage = () => (server.sockets.length === 1 ? "swallow" : "take");
    const asked = chat.ask("Hello");
    await server.clock.pass(20_000);
    await asked;
    expect([server.sockets.length, server.taken.length]).toEqual([2, 1]);
    chat.close();
  });

  test("one that may have been sent before the page was loaded again is looked for first", async () => {
    const server = new FakeServer();
    server.history.push({ id: "1", message_id: "m", role: "user", text: "Hello" });
    const chat = await server.connected();
    await chat.ask("Hello", { messageId: "m", mayHaveBeenSent: true });
    const other = chat.ask("Other", { messageId: "n", mayHaveBeenSent: true });
    await server.clock.pass(1_000);
    await other;
    expect(server.taken.map(({ message }) => message)).toEqual(["Other"]);
    chat.close();
  });

  test("the same message id is asked once, whenever", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    const both = [chat.ask("Hello", { messageId: "m" }), chat.ask("Hello", { messageId: "m" })];
    await server.clock.pass(1_000);
    await Promise.all(both);
    server.say("m", { status: "started" });
    await chat.ask("Hello", { messageId: "m" });
    expect(server.taken.length).toBe(1);
    chat.close();
  });

  test("what never left within two minutes is said to be unsent, and may be asked again", async () => {
    const server = new FakeServer();
    server.fault = () => "unreachable";
    const chat = await server.connected();
    const asked = chat.ask("Hello", { messageId: "m" });
    await server.clock.pass(120_001);
    await expect(asked).rejects.toBeInstanceOf(NotSentError);
    expect(chat.messages[0]!.state).toBe("unsent");
    server.fault = () => null;
    await server.clock.pass(20_000);
    expect(server.taken.length).toBe(0);
    const again = chat.ask("Hello", { messageId: "m" });
    await server.clock.pass(1_000);
    await again;
    expect([chat.messages.length, chat.messages[0]!.state, server.taken.length]).toEqual([1, "queued", 1]);
    chat.close();
  });

  test("what left and cannot be looked for ends as unknown, and the server's word counts when it comes", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.onMessage = (socket) => {
      server.fault = () => "unreachable";
      queueMicrotask(() => socket.break());
      return "take_without_ack";
    };
    const asked = chat.ask("Hello", { messageId: "m" });
    await server.clock.pass(120_001);
    await expect(asked).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect(chat.messages[0]!.state).toBe("lost");
    server.record("m", { message: "Hi.", status: "completed", type: "response", final_message: true });
    server.fault = () => null;
    await server.clock.pass(21_000);
    expect(chat.messages[0]).toMatchObject({ state: "completed", answer: "Hi.", error: null });
    expect(server.taken.length).toBe(1);
    chat.close();
  });

  test("closing ends what is under way", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.onMessage = () => "swallow";
    const asked = [chat.ask("1"), chat.ask("2")];
    server.fault = () => ({ status: 503 });
    const cancelled = chat.cancel("x");
    await settle();
    chat.close();
    for (const one of asked) {
      await expect(one).rejects.toBeInstanceOf(ClosedError);
    }
    await expect(cancelled).rejects.toBeInstanceOf(UnknownOutcomeError);
  });
});

describe("cancelling, approving and feedback", () => {
  test("go to their routes", async () => {
    const server = new FakeServer();
    const chat = await server.connected({ token: "t" });
    expect(await chat.cancel("m 1")).toBe("cancelling");
    await chat.approve("m", "call/1", false, "Because.");
    await chat.feedback("m", "down", "It rained.");
    expect(server.requests.slice(2)).toEqual([
      { method: "POST", path: "~Yy8x/messages/~bSAx/cancel", body: null, authorization: "Bearer t" },
      { method: "POST", path: `~Yy8x/messages/m/approvals/${routeName("call/1")}`, body: { approved: false, reason: "Because." }, authorization: "Bearer t" },
      { method: "POST", path: "~Yy8x/messages/m/feedback", body: { rating: "down", comment: "It rained." }, authorization: "Bearer t" },
    ]);
    chat.close();
  });

  test("a question that has not left is taken back", async () => {
    const server = new FakeServer();
    server.fault = () => "unreachable";
    const chat = await server.connected();
    const asked = chat.ask("Hello", { messageId: "m" });
    expect(await chat.cancel("m")).toBe("cancelling");
    await expect(asked).rejects.toBeInstanceOf(NotSentError);
    chat.close();
  });

  test("a question that is still in the queue is cancelled as soon as it is known", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    void chat.ask("Hello", { messageId: "m" });
    await server.clock.pass(1_000);
    server.fault = (path) => (path.includes("cancel") && server.requested("cancel") < 3 ? { status: 404, body: { title: "No such message" } } : null);
    const cancelled = chat.cancel("m");
    await server.clock.pass(5_000);
    expect([await cancelled, server.requested("cancel")]).toEqual(["cancelling", 3]);
    await expect(chat.cancel("unknown")).resolves.toBe("cancelling");
    chat.close();
  });

  test("what is over needs no cancelling, and what the server refuses is told", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.fault = () => ({ status: 409, body: { title: "Over" } });
    expect(await chat.cancel("m")).toBe("over");
    await expect(chat.approve("m", "c", true)).rejects.toMatchObject({ code: "refused", status: 409 });
    server.fault = () => ({ status: 404, body: { title: "No such message" } });
    await expect(chat.cancel("m")).rejects.toBeInstanceOf(RefusedError);
    chat.close();
  });

  test("they are tried again over an outage, and end by saying that nobody knows", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.fault = () => (server.requested("feedback") < 3 ? "unreachable" : null);
    const given = chat.feedback("m", "up");
    await server.clock.pass(5_000);
    await given;
    server.fault = () => ({ status: 503 });
    const cancelled = chat.cancel("m");
    const failed = expect(cancelled).rejects.toBeInstanceOf(UnknownOutcomeError);
    await server.clock.pass(60_000);
    await failed;
    server.fault = () => (server.requested("approvals") < 2 ? "unreachable" : { status: 409, body: { title: "Decided" } });
    const approved = expect(chat.approve("m", "c", true)).rejects.toBeInstanceOf(UnknownOutcomeError);
    await server.clock.pass(60_000);
    await approved;
    server.fault = () => ({ status: 429 });
    const busy = expect(chat.feedback("m", "up")).rejects.toBeInstanceOf(UnavailableError);
    await server.clock.pass(60_000);
    await busy;
    chat.close();
  });
});

test.each([
  ["user_session_abc123", "user_session_abc123"], ["a.b~c-d", "a.b~c-d"], ["Stats", "~U3RhdHM"], ["team/a", "~dGVhbS9h"], [".", "~Lg"], ["..", "~Li4"], ["50%", "~NTAl"], ["~a", "~fmE"], ["é😀", "~w6nwn5iA"],
])("%s is %s in a route", (name, route) => expect(routeName(name)).toBe(route));
