import { RefusedError, UnknownOutcomeError } from "./errors.js";
import type { Platform, Socket, TimerId } from "./platform.js";
import { isObject } from "./updates.js";

/** The subprotocols of Web PubSub that are spoken. The reliable one gets what it missed in a short interruption from the service itself. */
export type Subprotocol = "json.webpubsub.azure.v1" | "json.reliable.webpubsub.azure.v1";

/** What a reliable connection is continued with on another socket. */
export interface ReliableSession {
  connectionId: string;
  reconnectionToken: string;
  /** The highest sequence id that was received. */
  received: number;
  /** The next request's: the service takes one that it knows already for the same request, whichever socket it comes over. */
  nextAckId: number;
}

/** What a line tells whoever opened it. */
export interface LineEvents {
  /** The service has let it in; `session` is there on reliable lines. */
  connected(session: ReliableSession | null): void;
  /** `from` is `server` for what came to this connection alone. */
  message(data: unknown, from: string): void;
  /** It is over, once; the close code where the other side closed it. */
  lost(code: number | null): void;
}

/** The limits of a line, in milliseconds. */
export const lineLimits = { connect: 15_000, pingEvery: 20_000, answer: 10_000, probe: 4_000, ack: 15_000, sequenceAckEvery: 1_000 };

/** How late a timer may be before it is taken that everything stood still meanwhile. */
const lateness = 2_000;

const reliableName: Subprotocol = "json.reliable.webpubsub.azure.v1";

interface WaitingAck {
  resolve(): void;
  reject(error: Error): void;
  timer: TimerId;
}

/** One socket to Web PubSub, from its opening to its end. */
export class Line {
  readonly #platform: Platform;
  readonly #events: LineEvents;
  readonly #socket: Socket;
  readonly #isReliable: boolean;
  readonly #acks = new Map<number, WaitingAck>();
  #session: ReliableSession | null;
  #isConnected = false;
  #isOver = false;
  #nextAckId = 1;
  #acknowledged = 0;
  #pinging: TimerId | undefined;
  #silence: TimerId | undefined;
  #acknowledging: TimerId | undefined;

  /** @param session the reliable connection that is continued; null for a new one */
  constructor(platform: Platform, url: string, protocol: Subprotocol, session: ReliableSession | null, events: LineEvents) {
    this.#platform = platform;
    this.#events = events;
    this.#session = session;
    this.#acknowledged = session?.received ?? 0;
    this.#isReliable = protocol === reliableName;
    this.#socket = new platform.WebSocket(url, protocol);
    this.#socket.onmessage = ({ data }) => this.#received(data);
    this.#socket.onclose = ({ code }) => this.#end(code);
    this.#socket.onerror = () => {};
    this.#expectFrame(lineLimits.connect);
  }

  get isConnected(): boolean {
    return this.#isConnected && !this.#isOver;
  }

  /** Sends a user event, and resolves when the service took it. Rejects with a RefusedError, or with an UnknownOutcomeError. */
  send(event: string, data: unknown): Promise<void> {
    const ackId = this.#session === null ? this.#nextAckId++ : this.#session.nextAckId++;
    return new Promise((resolve, reject) => {
      const timer = this.#platform.setTimeout(() => this.#end(null), lineLimits.ack);
      this.#acks.set(ackId, { resolve, reject, timer });
      this.#transmit({ type: "event", event, ackId, dataType: "json", data });
    });
  }

  /** Asks whether the other side is still there, after a time in which nobody may have looked. */
  probe(): void {
    if (this.isConnected) {
      this.#platform.clearTimeout(this.#silence);
      this.#silence = undefined;
      this.#ping(lineLimits.probe);
    }
  }

  close(): void {
    this.#end(null);
  }

  #received(text: unknown): void {
    if (this.#isOver) {
      return;
    }

    this.#platform.clearTimeout(this.#silence);
    this.#silence = undefined;
    const frame = parse(text);
    switch (frame?.["type"]) {
      case "system":
        this.#system(frame);
        break;
      case "ack":
        this.#settle(Number(frame["ackId"]), ackError(frame));
        break;
      case "message":
        if (this.#isNews(frame["sequenceId"])) {
          this.#events.message(frame["data"], String(frame["from"]));
        }

        break;
    }
  }

  #system(frame: Record<string, unknown>): void {
    if (frame["event"] !== "connected") {
      return;
    }

    const { connectionId, reconnectionToken } = frame;
    this.#session = this.#isReliable && typeof connectionId === "string" && typeof reconnectionToken === "string"
      ? { received: 0, nextAckId: 1, ...(this.#session?.connectionId === connectionId ? this.#session : {}), connectionId, reconnectionToken }
      : null;
    this.#isConnected = true;
    this.#pingLater();
    this.#events.connected(this.#session);
  }

  /** Whether a message of a reliable line has not come before. */
  #isNews(sequenceId: unknown): boolean {
    if (this.#session === null || typeof sequenceId !== "number") {
      return true;
    }

    this.#acknowledging ??= this.#platform.setTimeout(() => this.#acknowledge(), lineLimits.sequenceAckEvery);
    if (sequenceId <= this.#session.received) {
      return false;
    }

    this.#session.received = sequenceId;
    if (sequenceId - this.#acknowledged > 300) {
      this.#acknowledge();
    }

    return true;
  }

  #acknowledge(): void {
    this.#platform.clearTimeout(this.#acknowledging);
    this.#acknowledging = undefined;
    if (this.#session !== null) {
      this.#acknowledged = this.#session.received;
      this.#transmit({ type: "sequenceAck", sequenceId: this.#acknowledged });
    }
  }

  #pingLater(): void {
    this.#platform.clearTimeout(this.#pinging);
    this.#pinging = this.#platform.setTimeout(() => this.#ping(lineLimits.answer), lineLimits.pingEvery);
  }

  #ping(limit: number): void {
    this.#transmit({ type: "ping" });
    this.#expectFrame(limit);
    this.#pingLater();
  }

  /** Ends the line unless something arrives. A timer that comes late says that nobody looked meanwhile: what has arrived is read first. */
  #expectFrame(limit: number): void {
    if (this.#silence !== undefined) {
      return;
    }

    const due = this.#platform.now() + limit;
    this.#silence = this.#platform.setTimeout(() => {
      this.#silence = undefined;
      if (this.#platform.now() - due <= lateness) {
        this.#end(null);
      } else if (this.#isConnected) {
        this.#ping(lineLimits.probe);
      } else {
        this.#expectFrame(lineLimits.probe);
      }
    }, limit);
  }

  #transmit(frame: object): void {
    if (!this.#isOver) {
      try {
        this.#socket.send(JSON.stringify(frame));
      } catch {
        // It is closing; that it is closed comes next.
      }
    }
  }

  #settle(ackId: number, error: Error | null): void {
    const waiting = this.#acks.get(ackId);
    if (waiting !== undefined) {
      this.#acks.delete(ackId);
      this.#platform.clearTimeout(waiting.timer);
      error === null ? waiting.resolve() : waiting.reject(error);
    }
  }

  #end(code: number | null): void {
    if (this.#isOver) {
      return;
    }

    this.#isOver = true;
    for (const timer of [this.#pinging, this.#silence, this.#acknowledging]) {
      this.#platform.clearTimeout(timer);
    }

    if (code === null) {
      this.#socket.close();
    }

    for (const ackId of [...this.#acks.keys()]) {
      this.#settle(ackId, new UnknownOutcomeError("The connection was lost before the service answered."));
    }

    this.#events.lost(code);
  }
}

function parse(text: unknown): Record<string, unknown> | null {
  try {
    const frame: unknown = JSON.parse(String(text));
    return isObject(frame) ? frame : null;
  } catch {
    return null;
  }
}

/** Null if the request was carried out, now or before. Only some of the names say that it was not. */
function ackError(frame: Record<string, unknown>): Error | null {
  const error = isObject(frame["error"]) ? frame["error"] : {};
  if (frame["success"] === true || error["name"] === "Duplicate") {
    return null;
  }

  const text = typeof error["message"] === "string" ? error["message"] : String(error["name"]);
  return error["name"] === "Forbidden" || error["name"] === "NotFound" ? new RefusedError("Your message was not accepted.", text) : new UnknownOutcomeError(text);
}
