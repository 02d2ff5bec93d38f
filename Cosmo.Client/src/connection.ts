import { type Address, lifeOf } from "./address.js";
import { backoff, jittered } from "./backoff.js";
import { NotSentError, RefusedError, UnavailableError } from "./errors.js";
import { Line, type ReliableSession, type Subprotocol } from "./line.js";
import type { Platform, TimerId } from "./platform.js";
import type { ConnectionState } from "./state.js";

/** For how long the service keeps a reliable connection that lost its socket. */
const recoveryLimit = 30_000;
const recoveryEvery = 1_000;
const policyViolation = 1008;
/** A connection that lived this long was a good one: the next delay is the shortest again. */
const stable = 5_000;
const longestTimer = 12 * 60 * 60_000;

/** What the connection tells whoever made it. */
export interface ConnectionEvents {
  state(state: ConnectionState): void;
  /** There is a new line; what was missed before it has to be asked for. */
  connected(): void;
  message(data: unknown, from: string): void;
}

/** A connection to a channel: made again whenever it breaks, and renewed before its right to send ends. */
export class Connection {
  readonly #platform: Platform;
  readonly #negotiate: () => Promise<Address>;
  readonly #protocol: Subprotocol;
  readonly #events: ConnectionEvents;
  #state: ConnectionState = { name: "connecting" };
  #line: Line | null = null;
  #next: Line | null = null;
  #url = "";
  #session: ReliableSession | null = null;
  #lostAt = 0;
  #connectedAt = 0;
  #tries = 0;
  #sendsUntil = 0;
  #renewAt = Infinity;
  #retrying: TimerId | undefined;
  #renewing: TimerId | undefined;
  /** Whatever was begun under another number is nobody's any more. */
  #attempt = 0;

  constructor(platform: Platform, negotiate: () => Promise<Address>, protocol: Subprotocol, events: ConnectionEvents) {
    this.#platform = platform;
    this.#negotiate = negotiate;
    this.#protocol = protocol;
    this.#events = events;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Whether what is sent now would be taken. A line whose time seems over, as after the clock was moved, is renewed. */
  canSend(): boolean {
    if (this.#line?.isConnected !== true) {
      return false;
    }

    const isInTime = this.#platform.now() < this.#sendsUntil;
    if (!isInTime) {
      void this.#renew();
    }

    return isInTime;
  }

  open(): void {
    void this.#open();
  }

  /** Sends a user event. Rejects with a NotSentError where it did not leave, else as a line does. */
  send(event: string, data: unknown): Promise<void> {
    return this.canSend() ? this.#line!.send(event, data) : Promise.reject(new NotSentError("There is no connection."));
  }

  /** After a time in which nobody may have looked: tries at once, renews what is due, asks a line whether it is still there. */
  wake(): void {
    if (this.#state.name === "waiting") {
      this.#tries = 0;
      void this.#open();
    } else if (this.#platform.now() >= this.#renewAt) {
      void this.#renew();
    }

    this.#line?.probe();
  }

  /** Begins anew, also after a refusal. */
  reconnect(): void {
    if (this.#state.name !== "closed") {
      this.#drop();
      this.#session = null;
      this.#tries = 0;
      void this.#open();
    }
  }

  /** The server says that the right to send has ended, whatever the clock says. */
  renewNow(): void {
    this.#sendsUntil = 0;
    void this.#renew();
  }

  close(): void {
    this.#drop();
    this.#to({ name: "closed" });
  }

  #to(state: ConnectionState): void {
    this.#state = state;
    this.#events.state(state);
  }

  #drop(): void {
    this.#attempt++;
    this.#platform.clearTimeout(this.#retrying);
    this.#platform.clearTimeout(this.#renewing);
    const lines = [this.#line, this.#next];
    this.#line = this.#next = null;
    lines.forEach((line) => line?.close());
  }

  async #open(): Promise<void> {
    this.#platform.clearTimeout(this.#retrying);
    const attempt = ++this.#attempt;
    this.#to({ name: "connecting" });
    if (this.#session !== null && this.#platform.now() - this.#lostAt < recoveryLimit) {
      const { connectionId, reconnectionToken } = this.#session;
      const url = new URL(this.#url);
      url.searchParams.set("awps_connection_id", connectionId);
      url.searchParams.set("awps_reconnection_token", reconnectionToken);
      this.#line = this.#dial(url.href, this.#session, () => this.#connected());
      return;
    }

    this.#session = null;
    try {
      const address = await this.#negotiate();
      if (attempt === this.#attempt) {
        this.#line = this.#dial(address.url, null, () => {
          this.#take(address);
          this.#connected();
        });
      }
    } catch (error) {
      if (attempt === this.#attempt) {
        this.#failed(error);
      }
    }
  }

  /** A line that is forgotten as soon as another one took its place. */
  #dial(url: string, session: ReliableSession | null, connected: () => void): Line {
    const line: Line = new Line(this.#platform, url, this.#protocol, session, {
      connected: (newSession) => {
        if (line === this.#line || line === this.#next) {
          connected();
          this.#session = newSession;
        }
      },
      message: (data, from) => {
        if (line === this.#line || line === this.#next) {
          this.#events.message(data, from);
        }
      },
      lost: (code) => this.#lost(line, code),
    });
    return line;
  }

  #take(address: Address): void {
    const now = this.#platform.now();
    const life = lifeOf(address, now);
    this.#url = address.url;
    this.#sendsUntil = now + life;
    this.#renewAt = this.#sendsUntil - jittered(Math.min(120_000, life / 5), this.#platform.random);
    this.#renewAtItsTime();
  }

  #renewAtItsTime(): void {
    this.#platform.clearTimeout(this.#renewing);
    const wait = this.#renewAt - this.#platform.now();
    this.#renewing = this.#platform.setTimeout(() => (wait > longestTimer ? this.#renewAtItsTime() : void this.#renew()), Math.max(0, Math.min(wait, longestTimer)));
  }

  #connected(): void {
    this.#connectedAt = this.#platform.now();
    this.#state = { name: "connected" };
    // First of all, so that nothing that comes is taken before what was missed.
    this.#events.connected();
    this.#events.state(this.#state);
  }

  /** Makes the next line while this one goes on. */
  async #renew(): Promise<void> {
    if (this.#state.name !== "connected") {
      return;
    }

    this.#platform.clearTimeout(this.#renewing);
    const attempt = ++this.#attempt;
    this.#to({ name: "renewing" });
    try {
      const address = await this.#negotiate();
      if (attempt === this.#attempt) {
        this.#next = this.#dial(address.url, null, () => {
          const old = this.#line;
          this.#line = this.#next;
          this.#next = null;
          old?.close();
          this.#tries = 0;
          this.#take(address);
          this.#connected();
        });
      }
    } catch (error) {
      if (attempt === this.#attempt) {
        error instanceof RefusedError ? this.#failed(error) : this.#renewLater(error);
      }
    }
  }

  #renewLater(error: unknown): void {
    this.#to({ name: "connected" });
    this.#renewAt = this.#platform.now() + this.#delay(error);
    this.#renewAtItsTime();
  }

  #lost(line: Line, code: number | null): void {
    if (line === this.#next) {
      this.#next = null;
      this.#renewLater(null);
    } else if (line === this.#line) {
      const now = this.#platform.now();
      if (this.#state.name !== "connecting") {
        this.#lostAt = now;
        this.#tries = now - this.#connectedAt > stable ? 0 : this.#tries;
      }

      if (code === policyViolation) {
        this.#session = null;
      }

      this.#drop();
      this.#failed(null);
    }
  }

  #failed(error: unknown): void {
    this.#drop();
    if (error instanceof RefusedError) {
      this.#to({ name: "refused", reason: error });
      return;
    }

    const canRecover = this.#session !== null && this.#platform.now() - this.#lostAt < recoveryLimit;
    const delay = canRecover ? jittered(recoveryEvery, this.#platform.random) : this.#delay(error);
    this.#to({ name: "waiting", nextTryAt: this.#platform.now() + delay });
    this.#retrying = this.#platform.setTimeout(() => void this.#open(), delay);
  }

  #delay(error: unknown): number {
    const asked = error instanceof UnavailableError ? (error.retryAfter ?? 0) : 0;
    return Math.max(backoff(this.#tries++, this.#platform.random), Math.min(asked, 60_000));
  }
}
