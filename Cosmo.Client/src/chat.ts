import { backoff } from "./backoff.js";
import { CatchUp } from "./catch-up.js";
import { ChannelApi, type HistoryPage, type HistoryQuery } from "./channel-api.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { Emitter } from "./emitter.js";
import { ClosedError, type CosmoError, NotSentError, RefusedError, UnavailableError, UnknownOutcomeError } from "./errors.js";
import type { ConnectOptions } from "./options.js";
import { Outbox } from "./outbox.js";
import { type Platform, platformWith, type TimerId } from "./platform.js";
import { routeName } from "./route-name.js";
import type { ConnectionState } from "./state.js";
import { isOver, type Turn } from "./turn.js";
import { readUpdate, type Update } from "./updates.js";

/** What can be listened to. */
export interface ChatEvents {
  /** The connection is in another state. */
  state: ConnectionState;
  /** The list of turns is another one. */
  messages: readonly Turn[];
  /** A turn is new or has become another. */
  turn: Turn;
  /** An update of the server that told something new, as it stands on the wire. */
  update: Update;
  /** Everything that was missed before has been taken. */
  caughtUp: undefined;
  /** Something went wrong that ends nothing, and is tried again where that helps. For logs. */
  fault: unknown;
}

/** What may go with a question. */
export interface AskOptions {
  /** Its id; a new one by default. The same id is asked once, however often it is given. */
  readonly messageId?: string;
  readonly profile?: string;
  /** The message in whose place it is asked: that one and all after it are taken out of the conversation. */
  readonly replaces?: string;
  /** It may have been sent before, as by a page that was loaded again: it is looked for first. */
  readonly mayHaveBeenSent?: boolean;
}

/** How long nothing has to come for a turn before it is given up, unless the server knows what became of it. What was missed is asked for much earlier. */
export const silenceLimit = 150_000;
const silenceCheckEvery = 30_000;
const holePatience = 1_000;
const actionTries = 4;

/** A conversation in a channel. */
export class Chat {
  readonly #platform: Platform;
  readonly #channel: string;
  readonly #api: ChannelApi;
  readonly #connection: Connection;
  readonly #conversation: Conversation;
  readonly #catchUp: CatchUp;
  readonly #outbox: Outbox;
  readonly #emitter = new Emitter<ChatEvents>();
  readonly #heard = new Map<string, number>();
  readonly #unWake: () => void;
  readonly #asked = new Map<string, Promise<Turn>>();
  readonly #pauses = new Map<TimerId, () => void>();
  #silence: TimerId | undefined;
  #hole: TimerId | undefined;
  #isClosed = false;

  /** @internal Made by `connect`. */
  constructor({ api, channel, token, negotiate, text, protocol, platform }: ConnectOptions) {
    this.#platform = platformWith(platform);
    if (typeof this.#platform.WebSocket !== "function") {
      throw new TypeError("This platform has no WebSocket; pass one as platform.WebSocket, such as that of the package ws.");
    }

    this.#channel = channel;
    this.#api = new ChannelApi(this.#platform, api, channel, token ?? null, negotiate ?? null, text === "delta");
    this.#conversation = new Conversation((turn) => {
      this.#emitter.emit("turn", turn);
      this.#emitter.emit("messages", this.messages);
    });
    this.#catchUp = new CatchUp(this.#platform, {
      fetch: () => this.#fetchMissed(),
      take: (update) => this.#take(update),
      caughtUp: () => this.#emitter.emit("caughtUp", undefined),
      failed: (error) => this.#emitter.emit("fault", error),
    });
    this.#outbox = new Outbox(this.#platform, {
      canSend: () => this.#connection.canSend(),
      send: (event, data) => this.#connection.send(event, data),
      look: (messageId) => this.#look(messageId),
      renew: () => this.#connection.renewNow(),
      settled: (messageId, error) => this.#settled(messageId, error),
    });
    this.#connection = new Connection(this.#platform, () => this.#api.negotiate(), protocol ?? "json.reliable.webpubsub.azure.v1", {
      state: (state) => this.#stateChanged(state),
      connected: () => this.#refresh(),
      message: (data, from) => this.#received(data, from),
    });
    this.#unWake = this.#platform.onWake(() => this.#wake());
    this.#watch();
    this.#connection.open();
  }

  /** The conversation so far: another array whenever something changed. */
  get messages(): readonly Turn[] {
    return this.#conversation.visible;
  }

  /** How the connection is. */
  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** Listens to one kind of event. Returns what ends that. */
  on<Name extends keyof ChatEvents>(name: Name, listener: (event: ChatEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  /**
   * Asks. The turn stands in `messages` at once; the promise resolves when the server has the question. It rejects with a RefusedError that has the server's
   * sentence, a NotSentError, an UnknownOutcomeError, or a ClosedError, within two minutes in any case.
   */
  ask(text: string, { messageId = this.#platform.uuid(), profile, replaces, mayHaveBeenSent = false }: AskOptions = {}): Promise<Turn> {
    if (this.#isClosed) {
      return Promise.reject(new ClosedError());
    }

    const known = this.#conversation.find(messageId);
    const underWay = this.#asked.get(messageId);
    if (underWay !== undefined) {
      return underWay;
    }

    if (known !== null && this.#conversation.isKnownToServer(messageId)) {
      return Promise.resolve(known);
    }

    const isUncertain = mayHaveBeenSent || known?.state === "lost";
    const fresh = { question: text, state: "sending", status: null, error: null, profile: profile ?? null, replaces: replaces ?? null } as const;
    if (known === null) {
      this.#conversation.add({ id: messageId, createdAt: this.#platform.now(), ...fresh });
    } else {
      this.#conversation.amend(messageId, fresh);
    }

    const data = { message_id: messageId, message: text, ...(profile === undefined ? {} : { profile }), ...(replaces === undefined ? {} : { replaces }) };
    const asked = this.#outbox
      .deliver(messageId, data, isUncertain)
      .then(() => this.#conversation.find(messageId)!)
      .finally(() => this.#asked.delete(messageId));
    this.#asked.set(messageId, asked);
    // The turn says it too, so nobody has to wait for the promise.
    asked.catch(() => {});
    return asked;
  }

  /** Ends an answer, or takes back a question. `over` says that there was nothing to end any more. The final update says how it ended. */
  async cancel(messageId: string): Promise<"cancelling" | "over"> {
    if (this.#outbox.takeBack(messageId)) {
      return "cancelling";
    }

    try {
      // What was asked just now may still be on its way through the queue.
      await this.#act(messageId, "cancel", undefined, (status) => status === 404 && this.#isExpected(messageId));
      return "cancelling";
    } catch (error) {
      if (error instanceof RefusedError && error.status === 409) {
        void this.#catchUp.run();
        return "over";
      }

      throw error;
    }
  }

  /** Decides on a call of a tool that waits for approval. The tool's next update says what came of it. */
  async approve(messageId: string, callId: string, approved: boolean, reason?: string): Promise<void> {
    const path = `approvals/${routeName(callId)}`;
    await this.#act(messageId, path, { approved, ...(reason === undefined ? {} : { reason }) });
  }

  /** Says what the user thinks of an answer. The last one counts. */
  async feedback(messageId: string, rating: "up" | "down", comment?: string): Promise<void> {
    await this.#act(messageId, "feedback", { rating, ...(comment === undefined ? {} : { comment }) });
  }

  /** Reads what was said before, and puts it into `messages`. */
  async history(query: HistoryQuery = {}): Promise<HistoryPage> {
    const page = await this.#api.history(query);
    if (!this.#isClosed) {
      this.#conversation.takeHistory(page.messages, query.before === undefined);
    }

    return page;
  }

  /** Connects anew at once, also after a refusal. */
  reconnect(): void {
    this.#connection.reconnect();
  }

  /** Ends the connection. What is still under way rejects with a ClosedError; answers go on at the server. */
  close(): void {
    if (this.#isClosed) {
      return;
    }

    this.#isClosed = true;
    this.#unWake();
    this.#platform.clearTimeout(this.#silence);
    this.#platform.clearTimeout(this.#hole);
    for (const [timer, done] of this.#pauses) {
      this.#platform.clearTimeout(timer);
      done();
    }

    this.#outbox.close();
    this.#catchUp.stop();
    this.#connection.close();
    this.#emitter.clear();
  }

  #stateChanged(state: ConnectionState): void {
    if (state.name !== "connected" && state.name !== "renewing") {
      this.#catchUp.rest();
    }

    this.#emitter.emit("state", state);
  }

  /** The tab may have slept: what was missed is asked for before anything is judged. */
  #wake(): void {
    this.#connection.wake();
    if (this.#connection.state.name === "connected" || this.#connection.state.name === "renewing") {
      this.#refresh();
    }
  }

  /** Asks for what was missed, then delivers what waits. */
  #refresh(): void {
    void this.#catchUp.run().then(() => this.#outbox.hurry());
  }

  #received(data: unknown, from: string): void {
    const update = readUpdate(data, this.#channel);
    if (update === null) {
      return;
    }

    if (from === "server" && update.sequence === undefined) {
      this.#refused(update);
    } else {
      this.#catchUp.receive(update);
    }
  }

  /** It came to this connection alone: a question was not taken. */
  #refused(update: Update): void {
    const error = new RefusedError(update.message ?? "", update.error_details ?? null);
    const messageId = this.#outbox.refused(update.message_id, error);
    if (messageId !== null && !this.#conversation.isKnownToServer(messageId)) {
      this.#markRefused(messageId, error);
    }
  }

  #take(update: Update): void {
    const reception = this.#conversation.receive(update);
    if (update.message_id !== null) {
      this.#heard.set(update.message_id, this.#platform.now());
      this.#outbox.heardOf(update.message_id);
    }

    if (reception === "taken") {
      this.#emitter.emit("update", update);
    } else if (reception === "gap") {
      void this.#catchUp.run();
    }

    if (this.#conversation.hasHole && this.#hole === undefined) {
      this.#hole = this.#platform.setTimeout(() => {
        this.#hole = undefined;
        if (this.#conversation.hasHole) {
          void this.#catchUp.run();
        }
      }, holePatience);
    }
  }

  async #fetchMissed(): Promise<readonly Update[]> {
    const heardBefore = this.#conversation.newest;
    const missed = await this.#api.updates(this.#conversation.complete);
    this.#conversation.completeTo(Math.max(heardBefore, ...missed.map(({ sequence }) => sequence ?? 0)));
    return missed;
  }

  /** Whether the server has a message: it said something about it, or it stands in the history. */
  async #look(messageId: string): Promise<boolean> {
    if (!(await this.#catchUp.run())) {
      throw new UnavailableError("What was missed could not be asked for.");
    }

    if (this.#conversation.isKnownToServer(messageId)) {
      return true;
    }

    try {
      const page = await this.#api.history({ limit: 100 });
      const isThere = page.messages.some((message) => message.message_id === messageId);
      if (isThere) {
        this.#conversation.takeHistory(page.messages, true);
      }

      return isThere;
    } catch (error) {
      // The server answers a message id once, so a question that is not in the updates may be sent again.
      this.#emitter.emit("fault", error);
      return false;
    }
  }

  #settled(messageId: string, error: CosmoError | null): void {
    const turn = this.#conversation.find(messageId);
    if (turn?.state !== "sending") {
      return;
    }

    if (error === null) {
      this.#heard.set(messageId, this.#platform.now());
      this.#conversation.amend(messageId, { state: "queued" });
    } else if (error instanceof RefusedError) {
      this.#markRefused(messageId, error);
    } else if (error instanceof UnknownOutcomeError) {
      this.#conversation.amend(messageId, { state: "lost", error: { message: error.message, details: null, isTimeout: false } });
    } else if (error instanceof NotSentError) {
      this.#conversation.amend(messageId, { state: "unsent", error: { message: error.message, details: null, isTimeout: false } });
    }
  }

  #markRefused(messageId: string, { message, details }: RefusedError): void {
    this.#conversation.amend(messageId, { state: "refused", status: null, error: { message, details, isTimeout: false } });
  }

  #isExpected(messageId: string): boolean {
    const turn = this.#conversation.find(messageId);
    return turn !== null && !isOver(turn);
  }

  /** Posts something that may be said twice, again where nobody answered. */
  async #act(messageId: string, path: string, body: unknown, again: (status: number | null) => boolean = () => false): Promise<void> {
    let isUncertain = false;
    for (let tries = 1; ; tries++) {
      if (this.#isClosed) {
        throw isUncertain ? new UnknownOutcomeError("The conversation was closed before the server answered.") : new ClosedError();
      }

      try {
        await this.#api.post(messageId, path, body);
        return;
      } catch (error) {
        const status = error instanceof RefusedError || error instanceof UnavailableError ? error.status : null;
        const isRefused = error instanceof RefusedError && !again(status);
        if (isRefused && !(isUncertain && status === 409 && path !== "cancel")) {
          throw error;
        }

        isUncertain ||= error instanceof UnavailableError && status !== 429;
        if (isRefused || tries === actionTries) {
          throw isUncertain ? new UnknownOutcomeError("Nobody can say whether the server took it.") : error;
        }
      }

      await this.#pause(backoff(tries - 1, this.#platform.random));
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#platform.setTimeout(() => {
        this.#pauses.delete(timer);
        resolve();
      }, milliseconds);
      this.#pauses.set(timer, resolve);
    });
  }

  /** Looks now and then for turns of which nothing was heard for long. The server is asked before one is given up. */
  #watch(): void {
    this.#silence = this.#platform.setTimeout(() => {
      void this.#askAfterSilent().finally(() => {
        if (!this.#isClosed) {
          this.#watch();
        }
      });
    }, silenceCheckEvery);
  }

  async #askAfterSilent(): Promise<void> {
    const silent = (limit: number): Turn | undefined => {
      const turn = this.messages.find((one) => !isOver(one) && one.state !== "sending");
      const waits = turn?.tools.some((call) => call.state === "awaiting_approval") === true;
      return turn === undefined || waits || this.#platform.now() - (this.#heard.get(turn.id) ?? 0) < limit ? undefined : turn;
    };
    if (this.#connection.state.name !== "connected" || silent(silenceCheckEvery) === undefined) {
      return;
    }

    try {
      if (!(await this.#catchUp.run()) || silent(silenceLimit) === undefined) {
        return;
      }

      await this.history({ limit: 100 });
      const turn = silent(silenceLimit);
      if (turn !== undefined && !this.#isClosed) {
        this.#conversation.amend(turn.id, { state: "lost", status: null, error: { message: "Nothing came any more for this message. Please ask again.", details: null, isTimeout: false } });
      }
    } catch (error) {
      this.#emitter.emit("fault", error);
    }
  }
}
