// A connection to Azure Web PubSub with the subprotocol json.webpubsub.azure.v1, made again whenever it breaks.

const pingEvery = 20_000;
const silenceLimit = 60_000;
const ackLimit = 15_000;
const longestDelay = 20_000;
const renewalLead = 5_000;

export class Connection {
  #negotiate;
  #on;
  #socket = null;
  #closed = false;
  #tries = 0;
  #timer = 0;
  #pinging = 0;
  #lastHeard = 0;
  #acks = new Map();
  #nextAckId = 1;
  #sendsUntil = Infinity;

  /**
   * @param {() => Promise<{ url: string, expires_at: string }>} negotiate gets the address of a new connection, and until when it may send
   * @param {{ state: (state: string, text: string) => void, message: (data: unknown, from: string) => void }} on
   */
  constructor(negotiate, on) {
    this.#negotiate = negotiate;
    this.#on = on;
    this.#open();
  }

  /** Sends a user event and resolves when the service accepted it. Rejects with a RefusedError, or with an Error when nobody can know. */
  send(event, data) {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Error("not connected"));
    }

    if (Date.now() > this.#sendsUntil - renewalLead) {
      // It could listen on, but what it sends would be refused.
      this.#drop();
      this.#open();
      return Promise.reject(new Error("connection is being renewed"));
    }

    const ackId = this.#nextAckId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#lost(), ackLimit);
      this.#acks.set(ackId, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ type: "event", event, ackId, dataType: "json", data }));
    });
  }

  /** Tries again at once instead of at the end of the delay. */
  hurry() {
    if (this.#timer !== 0) {
      clearTimeout(this.#timer);
      this.#open();
    }
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  async #open() {
    this.#timer = 0;
    this.#on.state("connecting", this.#tries === 0 ? "Connecting" : "Connecting again");
    try {
      const negotiated = await this.#negotiate();
      if (this.#closed) {
        return;
      }

      this.#sendsUntil = Date.parse(negotiated.expires_at);
      const socket = new WebSocket(negotiated.url, "json.webpubsub.azure.v1");
      this.#socket = socket;
      socket.onmessage = (event) => this.#received(event.data);
      socket.onclose = () => socket === this.#socket && this.#lost();
      this.#lastHeard = Date.now();
      this.#pinging = setInterval(() => this.#ping(), pingEvery);
    } catch {
      this.#lost();
    }
  }

  #received(text) {
    this.#lastHeard = Date.now();
    const frame = JSON.parse(text);
    if (frame.type === "system" && frame.event === "connected") {
      this.#tries = 0;
      this.#on.state("connected", "Connected");
    } else if (frame.type === "ack") {
      const accepted = frame.success || frame.error?.name === "Duplicate";
      this.#settle(frame.ackId, accepted ? null : new RefusedError(frame.error?.message ?? frame.error?.name ?? "refused"));
    } else if (frame.type === "message") {
      this.#on.message(frame.data, frame.from);
    }
  }

  #ping() {
    if (Date.now() - this.#lastHeard > silenceLimit) {
      this.#lost();
    } else if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send('{"type":"ping"}');
    }
  }

  #lost() {
    this.#drop();
    if (this.#closed) {
      return;
    }

    const delay = Math.min(longestDelay, 500 * 2 ** this.#tries++) * (0.75 + Math.random() / 2);
    this.#on.state("waiting", delay < 1500 ? "Connection lost" : `Trying again in ${Math.round(delay / 1000)} s`);
    this.#timer = setTimeout(() => this.#open(), delay);
  }

  #drop() {
    clearInterval(this.#pinging);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const ackId of [...this.#acks.keys()]) {
      this.#settle(ackId, new Error("connection lost"));
    }
  }

  #settle(ackId, error) {
    const waiting = this.#acks.get(ackId);
    if (waiting) {
      this.#acks.delete(ackId);
      clearTimeout(waiting.timer);
      error ? waiting.reject(error) : waiting.resolve();
    }
  }
}

/** The service said no; asking again with the same message is useless. */
export class RefusedError extends Error {}
