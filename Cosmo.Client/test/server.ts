import { connect, type Chat, type ConnectOptions, type Update } from "../src/index.js";
import { FakeClock, seeded, settle } from "./clock.js";

export const channel = "c/1";

/** A socket whose other side is the test. */
export class FakeSocket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  /** What the client sent. */
  readonly frames: Record<string, unknown>[] = [];
  /** The other side is there but says nothing, and hears nothing. */
  isDead = false;
  closedByClient = false;

  constructor(readonly url: string, readonly protocol: string, private readonly server: FakeServer) {
    queueMicrotask(() => server.accept(this));
  }

  send(text: string): void {
    const frame = JSON.parse(text) as Record<string, unknown>;
    this.frames.push(frame);
    if (!this.isDead) {
      this.server.heard(this, frame);
    }
  }

  close(): void {
    this.closedByClient = true;
    this.readyState = 3;
  }

  /** Gives the client a frame. */
  give(frame: object): void {
    if (this.readyState === 1 && !this.isDead) {
      this.onmessage?.({ data: JSON.stringify(frame) });
    }
  }

  /** The other side, or the network, ends it. */
  break(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code, reason: "" });
  }

  sent(type: string): Record<string, unknown>[] {
    return this.frames.filter((frame) => frame["type"] === type);
  }
}

interface ReliableConnection {
  token: string;
  nextId: number;
  unacknowledged: { sequenceId: number }[];
}

/** Cosmo as a client sees it: functions and Web PubSub, on a clock that the test moves. */
export class FakeServer {
  readonly clock = new FakeClock();
  readonly random = seeded(1);
  readonly sockets: FakeSocket[] = [];
  readonly requests: { method: string; path: string; body: unknown; authorization: string | null }[] = [];
  /** The messages that were queued, each time they came. */
  readonly taken: { message_id: string; message: string }[] = [];
  readonly log: Update[] = [];
  readonly history: Record<string, unknown>[] = [];
  readonly woken: (() => void)[] = [];
  /** What requests get in the place of an answer; null for the answer. */
  fault: (path: string) => { status: number; body?: object; headers?: Record<string, string> } | "unreachable" | null = () => null;
  /** What becomes of a new socket. */
  onAccept: (socket: FakeSocket) => "open" | "ignore" | number = () => "open";
  /** What becomes of a question. */
  onMessage: (socket: FakeSocket, frame: Record<string, unknown>) => "take" | "swallow" | "take_without_ack" = () => "take";
  /** Whether an update reaches the sockets. */
  isDelivered: (update: Update) => boolean = () => true;
  life = 3600;
  #sequence = 100;
  #nextConnection = 1;
  readonly reliable = new Map<string, ReliableConnection>();

  connect(options: Partial<ConnectOptions> = {}): Chat {
    return connect({ ...this.options, channel, ...options, platform: { ...this.options.platform, ...options.platform } });
  }

  /** How to reach it. */
  get options(): Omit<ConnectOptions, "channel"> {
    const server = this;
    class Socket extends FakeSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol, server);
        server.sockets.push(this);
      }
    }

    return {
      api: "https://cosmo.test/api/",
      protocol: "json.webpubsub.azure.v1",
      platform: {
        fetch: (url, request) => this.#answer(url, request),
        WebSocket: Socket as never,
        now: () => this.clock.now,
        random: this.random,
        setTimeout: (run, milliseconds) => this.clock.setTimeout(run, milliseconds),
        clearTimeout: (timer) => this.clock.clearTimeout(timer),
        onWake: (woke) => {
          this.woken.push(woke);
          return () => this.woken.splice(this.woken.indexOf(woke), 1);
        },
      },
    };
  }

  /** A client that is connected. */
  async connected(options: Partial<ConnectOptions> = {}): Promise<Chat> {
    const chat = this.connect(options);
    await settle();
    return chat;
  }

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  requested(path: string): number {
    return this.requests.filter((request) => request.path.includes(path)).length;
  }

  wake(): void {
    [...this.woken].forEach((woke) => woke());
  }

  /** Makes an update, as the server does: the log keeps it, and of text the newest. */
  record(messageId: string, fields: Partial<Update>): Update {
    const update: Update = { message: "", status: "processing", type: "status", final_message: false, message_id: messageId, timestamp: this.clock.now / 1000, sequence: ++this.#sequence, ...fields };
    if (update.type === "response") {
      const old = this.log.findIndex((one) => one.message_id === messageId && one.status === "in_progress");
      old >= 0 && this.log.splice(old, 1);
    }

    this.log.push(update);
    return update;
  }

  /** Makes an update and sends it to who listens. */
  say(messageId: string, fields: Partial<Update>): Update {
    const update = this.record(messageId, fields);
    this.send(update);
    return update;
  }

  send(update: Update): void {
    if (this.isDelivered(update)) {
      this.sockets.filter((socket) => socket.readyState === 1).forEach((socket) => this.deliver(socket, update));
    }
  }

  deliver(socket: FakeSocket, payload: Update, from = "group"): void {
    this.frame(socket, { type: "message", from, group: "g", dataType: "json", data: { channel, payload } });
  }

  /** Sends a message on a socket; on a reliable one with its number, and kept. */
  frame(socket: FakeSocket, frame: object): void {
    const connection = this.reliable.get(this.#ids.get(socket) ?? "");
    if (connection === undefined) {
      socket.give(frame);
      return;
    }

    const numbered = { ...frame, sequenceId: connection.nextId++ };
    connection.unacknowledged.push(numbered);
    socket.give(numbered);
  }

  /** Refuses a question, on its connection alone. */
  refuse(socket: FakeSocket, messageId: string | null, message: string, details = "Why."): void {
    this.frame(socket, {
      type: "message", from: "server", dataType: "json",
      data: { channel, payload: { message, status: "error", type: "error", final_message: true, message_id: messageId, thread_id: null, timestamp: 1, error_details: details } },
    });
  }

  accept(socket: FakeSocket): void {
    const outcome = this.onAccept(socket);
    if (outcome === "ignore") {
      return;
    }

    if (outcome !== "open") {
      socket.break(outcome);
      return;
    }

    socket.readyState = 1;
    const query = new URL(socket.url).searchParams;
    const wanted = query.get("awps_connection_id");
    if (wanted !== null) {
      const connection = this.reliable.get(wanted);
      if (connection === undefined || connection.token !== query.get("awps_reconnection_token")) {
        socket.break(1008);
        return;
      }

      this.#ids.set(socket, wanted);
      connection.token += "+";
      socket.give({ type: "system", event: "connected", connectionId: wanted, reconnectionToken: connection.token });
      connection.unacknowledged.forEach((frame) => socket.give(frame));
      return;
    }

    const id = `connection-${this.#nextConnection++}`;
    if (socket.protocol === "json.reliable.webpubsub.azure.v1") {
      this.reliable.set(id, { token: `token-${id}`, nextId: 1, unacknowledged: [] });
      this.#ids.set(socket, id);
      socket.give({ type: "system", event: "connected", connectionId: id, reconnectionToken: `token-${id}` });
    } else {
      socket.give({ type: "system", event: "connected", connectionId: id });
    }
  }

  readonly #ids = new Map<FakeSocket, string>();

  heard(socket: FakeSocket, frame: Record<string, unknown>): void {
    if (frame["type"] === "ping") {
      queueMicrotask(() => socket.give({ type: "pong" }));
    } else if (frame["type"] === "sequenceAck") {
      const connection = this.reliable.get(this.#ids.get(socket)!)!;
      connection.unacknowledged = connection.unacknowledged.filter(({ sequenceId }) => sequenceId > Number(frame["sequenceId"]));
    } else if (frame["type"] === "event") {
      const outcome = this.onMessage(socket, frame);
      if (outcome !== "swallow") {
        this.taken.push(frame["data"] as { message_id: string; message: string });
      }

      if (outcome === "take") {
        queueMicrotask(() => socket.give({ type: "ack", ackId: frame["ackId"], success: true }));
      }
    }
  }

  async #answer(url: string, { method = "GET", body, headers, signal }: RequestInit): Promise<Response> {
    const { pathname, search } = new URL(url);
    const path = pathname.replace("/api/channels/", "") + search;
    this.requests.push({
      method, path, body: typeof body === "string" ? JSON.parse(body) : null, authorization: new Headers(headers).get("Authorization"),
    });
    const fault = this.fault(path);
    if (fault === "unreachable") {
      throw new TypeError("Failed to fetch");
    }

    if (fault !== null) {
      return fault.status === 0
        ? new Promise((_, reject) => signal!.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError"))))
        : new Response(fault.body === undefined ? "" : JSON.stringify(fault.body), { status: fault.status, headers: fault.headers ?? {} });
    }

    if (path.includes("/negotiate")) {
      return Response.json(this.address());
    }

    if (path.includes("/updates")) {
      const after = Number(new URL(url).searchParams.get("after"));
      return Response.json({ updates: this.log.filter(({ sequence }) => sequence! > after).map((payload) => ({ channel, payload })) });
    }

    if (method === "GET") {
      return Response.json({ messages: this.history });
    }

    return path.includes("/feedback") ? new Response(null, { status: 204 }) : Response.json({}, { status: 202 });
  }

  address(): { url: string; expires_at: string } {
    const seconds = Math.round(this.clock.now / 1000);
    const claims = Buffer.from(JSON.stringify({ iat: seconds, exp: seconds + this.life })).toString("base64url");
    return { url: `wss://pubsub.test/client/hubs/cosmo?access_token=x.${claims}.x`, expires_at: new Date((seconds + this.life) * 1000).toISOString() };
  }
}
