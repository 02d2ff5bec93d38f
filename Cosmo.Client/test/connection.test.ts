import { describe, expect, test } from "vitest";
import { backoff, longestDelay } from "../src/backoff.js";
import { type ConnectionState, RefusedError } from "../src/index.js";
import { seeded, settle } from "./clock.js";
import { channel, FakeServer } from "./server.js";

describe("trying again", () => {
  test("delays double up to a limit, and half of each is chance", () => {
    for (let tries = 0; tries < 40; tries++) {
      const whole = Math.min(20_000, 500 * 2 ** tries);
      const delays = Array.from({ length: 200 }, ((random) => () => backoff(tries, random))(seeded(tries)));
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(whole / 2);
      expect(Math.max(...delays)).toBeLessThanOrEqual(whole);
      expect(new Set(delays).size).toBeGreaterThan(100);
    }
    expect(backoff(1e9, () => 0.999)).toBeLessThanOrEqual(longestDelay);
  });

  test("an outage is tried again with growing delays whose ends the state tells, and then all is well", async () => {
    const server = new FakeServer();
    server.fault = () => "unreachable";
    const chat = server.connect();
    const waits: number[] = [];
    chat.on("state", (state) => state.name === "waiting" && waits.push(state.nextTryAt - server.clock.now));
    await server.clock.pass(120_000);
    expect(waits.length).toBeGreaterThan(6);
    expect(waits.length).toBeLessThan(20);
    expect(waits[0]).toBeLessThanOrEqual(500);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(10_000);
    server.fault = () => null;
    await server.clock.pass(20_000);
    expect(chat.state.name).toBe("connected");
    chat.close();
  });

  test("a server that asks to wait is waited for", async () => {
    const server = new FakeServer();
    server.fault = () => ({ status: 503, headers: { "Retry-After": "30" } });
    const chat = await server.connected();
    await server.clock.pass(29_900);
    expect(server.requested("negotiate")).toBe(1);
    await server.clock.pass(200);
    expect(server.requested("negotiate")).toBe(2);
    chat.close();
  });

  test("a service that lets in and closes at once is not asked more and more often", async () => {
    const server = new FakeServer();
    const chat = server.connect();
    const breaking = chat.on("state", (state) => state.name === "connected" && queueMicrotask(() => server.socket.break()));
    await server.clock.pass(60_000);
    expect(server.sockets.length).toBeLessThan(14);
    breaking();
    chat.close();
  });

  test.each([400, 401, 403])("a refusal with %i is final until somebody connects anew", async (status) => {
    const server = new FakeServer();
    server.fault = () => ({ status, body: { title: "No", detail: "This is another's channel." } });
    const chat = await server.connected();
    await server.clock.pass(600_000);
    expect(server.requested("negotiate")).toBe(1);
    const state = chat.state as Extract<ConnectionState, { name: "refused" }>;
    expect([state.name, state.reason.message, state.reason.details, state.reason.status]).toEqual(["refused", "This is another's channel.", "No", status]);
    server.fault = () => null;
    chat.reconnect();
    await settle();
    expect(chat.state.name).toBe("connected");
    chat.close();
  });

  test("a host that has only just begun and knows no routes yet is asked again", async () => {
    const server = new FakeServer();
    server.fault = () => ({ status: 404 });
    const chat = await server.connected();
    expect(chat.state.name).toBe("waiting");
    chat.close();
  });

  test("a request that nobody answers is given up", async () => {
    const server = new FakeServer();
    server.fault = () => ({ status: 0 });
    const chat = await server.connected();
    await server.clock.pass(16_000);
    expect(chat.state.name).not.toBe("connected");
    expect(server.requested("negotiate")).toBe(2);
    chat.close();
  });

  test("a socket that never opens is given up", async () => {
    const server = new FakeServer();
    server.onAccept = () => "ignore";
    const chat = await server.connected();
    await server.clock.pass(15_500);
    expect(server.sockets[0]!.closedByClient).toBe(true);
    expect(server.sockets.length).toBe(2);
    chat.close();
  });

  test("closing leaves no timer, no socket and no listener behind", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    const states: string[] = [];
    chat.on("state", ({ name }) => states.push(name));
    chat.close();
    chat.close();
    await settle();
    expect(server.clock.timers).toBe(0);
    expect(server.socket.closedByClient).toBe(true);
    expect(server.woken.length).toBe(0);
    expect(states).toEqual(["closed"]);
    await expect(chat.ask("Hello")).rejects.toThrow("closed");
  });

  test("closed while it negotiates, it opens no socket", async () => {
    const server = new FakeServer();
    server.connect().close();
    await settle();
    expect(server.sockets.length).toBe(0);
    expect(server.clock.timers).toBe(0);
  });
});

describe("the token", () => {
  test("is renewed before its end: the next line is there before the old one goes", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    const states: string[] = [];
    chat.on("state", ({ name }) => states.push(name));
    await server.clock.pass(3_479_000);
    expect(server.sockets.length).toBe(1);
    let oldWasOpen = false;
    server.onAccept = () => {
      oldWasOpen = !server.sockets[0]!.closedByClient;
      return "open";
    };
    await server.clock.pass(61_000);
    expect(server.sockets.length).toBe(2);
    expect(oldWasOpen).toBe(true);
    expect(server.sockets[0]!.closedByClient).toBe(true);
    expect(states).toEqual(["renewing", "connected"]);
    chat.close();
  });

  test.each([36, -36])("takes a question at once after the clock was moved by %i hours", async (hours) => {
    let moved = 0;
    const server = new FakeServer();
    const chat = await server.connected({ platform: { now: () => server.clock.now + moved } });
    moved = hours * 3_600_000;

    const asked = chat.ask("Still there?");
    await server.clock.pass(5_000);

    expect((await asked).question).toBe("Still there?");
    expect(chat.state.name).toBe("connected");
    chat.close();
  });

  test("is renewed by its own life, whatever this machine's clock says", async () => {
    const server = new FakeServer();
    const chat = await server.connected({ platform: { now: () => server.clock.now - 7 * 86_400_000 } });
    await server.clock.pass(3_600_000);
    expect(server.sockets.length).toBe(2);
    chat.close();
  });

  test("that cannot be renewed is tried again while the old line listens on, and afterwards too", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.fault = (path) => (path.includes("negotiate") ? { status: 503 } : null);
    await server.clock.pass(3_700_000);
    expect(server.requested("negotiate")).toBeGreaterThan(5);
    expect(server.sockets[0]!.closedByClient).toBe(false);
    server.say("m", { status: "started", question: "Q" });
    expect(chat.messages.map(({ question }) => question)).toEqual(["Q"]);
    const asked = chat.ask("Too late to be sent");
    await server.clock.pass(1_000);
    expect(server.taken.length).toBe(0);
    server.fault = () => null;
    await server.clock.pass(21_000);
    await asked;
    expect(server.taken.length).toBe(1);
    chat.close();
  });

  test("comes fresh from a function before each connection, and again when it is not taken", async () => {
    const server = new FakeServer();
    let given = 0;
    const chat = await server.connected({ token: () => `t${++given}` });
    expect(server.requests.map(({ authorization }) => authorization)).toEqual(["Bearer t1", "Bearer t1"]);
    server.fault = () => (server.requests.at(-1)!.authorization === "Bearer t1" ? { status: 401, body: { title: "Ended" } } : null);
    await chat.history();
    expect(server.requests.map(({ authorization }) => authorization).slice(2)).toEqual(["Bearer t1", "Bearer t2"]);
    server.socket.break();
    await server.clock.pass(1_000);
    expect(given).toBe(3);
    chat.close();
  });

  test("of a back end comes with its address, and a refusal of the back end is one", async () => {
    const server = new FakeServer();
    const chat = await server.connected({ negotiate: () => Promise.resolve({ ...server.address(), token: "cosmo_1" }) });
    expect(server.requests.map(({ path, authorization }) => [path, authorization])).toEqual([["~Yy8x/updates?after=0", "Bearer cosmo_1"]]);
    chat.close();
    const other = await server.connected({ negotiate: () => Promise.reject(new RefusedError("Not you.")) });
    expect(other.state).toMatchObject({ name: "refused", reason: { message: "Not you." } });
    const third = await server.connected({ negotiate: () => Promise.reject(new Error("broken")) });
    expect(third.state.name).toBe("waiting");
    [other, third].forEach((one) => one.close());
  });
});

describe("a line that half died", () => {
  test("is found out by a ping that nobody answers", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    await server.clock.pass(300_000);
    expect(server.sockets.length).toBe(1);
    server.socket.isDead = true;
    await server.clock.pass(31_000);
    expect(server.sockets.length).toBe(2);
    expect(chat.state.name).toBe("connected");
    chat.close();
  });

  test("is not judged by a machine that slept before what has arrived is read", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    const socket = server.socket;
    await server.clock.pass(20_000 - 1);
    socket.isDead = true;
    await server.clock.pass(2);
    socket.isDead = false;
    await server.clock.sleep(3_600_000 / 4);
    expect(server.sockets.length).toBe(1);
    expect(chat.state.name).toBe("connected");
    chat.close();
  });

  test("a tab that wakes asks at once whether the line lives, and what it missed", async () => {
    const server = new FakeServer();
    const chat = await server.connected();
    server.isDelivered = () => false;
    server.say("m", { status: "started", question: "Q" });
    server.socket.isDead = true;
    server.wake();
    await settle();
    expect(chat.messages.map(({ question }) => question)).toEqual(["Q"]);
    await server.clock.pass(6_000);
    expect(server.sockets.length).toBe(2);
    chat.close();
  });

  test("a tab that wakes while it waits tries at once", async () => {
    const server = new FakeServer();
    server.fault = () => "unreachable";
    const chat = await server.connected();
    await server.clock.pass(60_000);
    server.fault = () => null;
    server.wake();
    await settle();
    expect(chat.state.name).toBe("connected");
    chat.close();
  });
});

describe("the reliable subprotocol", () => {
  const reliable = { protocol: "json.reliable.webpubsub.azure.v1" } as const;

  test("goes on where it broke off, with its connection id and token, and takes nothing twice", async () => {
    const server = new FakeServer();
    const chat = await server.connected(reliable);
    const texts: (string | undefined)[] = [];
    chat.on("update", ({ message }) => texts.push(message));
    server.say("m", { message: "one" });
    const first = server.socket;
    server.say("m", { message: "two" });
    first.break();
    server.frame(first, { type: "message", from: "group", dataType: "json", data: { channel, payload: server.record("m", { message: "three" }) } });
    await server.clock.pass(1_100);
    const query = new URL(server.socket.url).searchParams;
    expect([query.get("awps_connection_id"), query.get("awps_reconnection_token")]).toEqual(["connection-1", "token-connection-1"]);
    expect(query.get("access_token")).toBe(new URL(first.url).searchParams.get("access_token"));
    expect(server.requested("negotiate")).toBe(1);
    expect(texts).toEqual(["one", "two", "three"]);
    server.socket.break();
    await server.clock.pass(1_100);
    expect(new URL(server.socket.url).searchParams.get("awps_reconnection_token")).toBe("token-connection-1+");
    chat.close();
  });

  test("what the service sends again after a recovery refuses no second question", async () => {
    const server = new FakeServer();
    const chat = await server.connected(reliable);
    server.onMessage = (socket) => {
      server.refuse(socket, null, "No.");
      return "swallow";
    };
    await expect(chat.ask("First")).rejects.toThrow("No.");
    server.onMessage = () => "take_without_ack";
    const asked = chat.ask("Second", { messageId: "m" });
    await settle();
    server.socket.break();
    await server.clock.pass(1_100);
    server.say("m", { status: "started" });
    expect((await asked).state).toBe("working");
    chat.close();
  });

  test("a request after a recovery has a number that the connection has not had", async () => {
    const server = new FakeServer();
    const chat = await server.connected(reliable);
    const numbers: unknown[] = [];
    server.onMessage = (_, { ackId }) => {
      numbers.push(ackId);
      return "take";
    };
    void chat.ask("First");
    await server.clock.pass(1_100);
    server.socket.break();
    await server.clock.pass(1_100);
    void chat.ask("Second");
    await server.clock.pass(1_100);
    expect(numbers).toEqual([1, 2]);
    chat.close();
  });

  test("says what it received at most once a second, and at once when it is far behind", async () => {
    const server = new FakeServer();
    const chat = await server.connected(reliable);
    await server.clock.pass(5_000);
    expect(server.socket.sent("sequenceAck")).toEqual([]);
    for (let i = 0; i < 50; i++) {
      server.say("m", { message: `${i}` });
      await server.clock.pass(100);
    }
    expect(server.socket.sent("sequenceAck").length).toBeLessThanOrEqual(5);
    await server.clock.pass(1_000);
    expect(server.socket.sent("sequenceAck").at(-1)).toEqual({ type: "sequenceAck", sequenceId: 50 });
    for (let i = 0; i < 301; i++) {
      server.say("m", { message: `${i}` });
    }
    expect(server.socket.sent("sequenceAck").at(-1)).toEqual({ type: "sequenceAck", sequenceId: 351 });
    expect(server.reliable.get("connection-1")!.unacknowledged).toEqual([]);
    chat.close();
  });

  test.each(["on the line", "on the recovery"])("close code 1008 %s ends recovery", async (where) => {
    const server = new FakeServer();
    const chat = await server.connected(reliable);
    if (where === "on the line") {
      server.socket.break(1008);
    } else {
      server.reliable.clear();
      server.socket.break();
    }
    await server.clock.pass(3_000);
    expect(server.requested("negotiate")).toBe(2);
    expect(new URL(server.socket.url).searchParams.has("awps_connection_id")).toBe(false);
    expect(chat.state.name).toBe("connected");
    chat.close();
  });

  test("recovery is tried every second for half a minute, then a new connection is made", async () => {
    const server = new FakeServer();
    const chat = await server.connected(reliable);
    server.onAccept = ({ url }) => (url.includes("awps_connection_id") ? 1006 : "open");
    server.socket.break();
    await server.clock.pass(29_000);
    expect(server.sockets.length).toBeGreaterThan(25);
    expect(server.requested("negotiate")).toBe(1);
    await server.clock.pass(23_000);
    expect(server.requested("negotiate")).toBe(2);
    expect(chat.state.name).toBe("connected");
    chat.close();
  });
});

test("a platform without WebSocket is told so at once", () => {
  expect(() => new FakeServer().connect({ platform: { WebSocket: undefined as never } })).toThrow("ws");
});
