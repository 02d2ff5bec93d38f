import type { Address } from "./address.js";
import { RefusedError, UnavailableError } from "./errors.js";
import { call } from "./http.js";
import type { Platform } from "./platform.js";
import { routeName } from "./route-name.js";
import { isObject, readUpdate, type Update } from "./updates.js";

/** A bearer token, or what gets one: asked before each connection, and again when the server does not take the last one. */
export type TokenSource = string | (() => string | Promise<string>);

/** One message of the history. */
export interface HistoryMessage {
  /** The item of the conversation. */
  readonly id: string;
  readonly message_id?: string;
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly created_at?: string;
  /** How the answer ended: completed, cancelled, timeout or error. */
  readonly status?: string;
  readonly tools?: readonly string[];
}

/** A page of the history, newest first. */
export interface HistoryPage {
  readonly messages: readonly HistoryMessage[];
  /** `before` of the next page; not there on the last. */
  readonly next?: string;
}

/** Which page of the history. */
export interface HistoryQuery {
  /** 1 to 100; 50 by default. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly before?: string;
}

/** The HTTP functions of one channel, with whoever is signed in. */
export class ChannelApi {
  readonly #platform: Platform;
  readonly #base: string;
  readonly #channel: string;
  readonly #source: TokenSource | null;
  readonly #negotiate: (() => Promise<Address>) | null;
  readonly #isDelta: boolean;
  #token: string | null = null;

  constructor(platform: Platform, api: string, channel: string, source: TokenSource | null, negotiate: (() => Promise<Address>) | null, isDelta: boolean) {
    this.#platform = platform;
    this.#base = `${api.replace(/\/+$/, "")}/channels/${routeName(channel)}/`;
    this.#channel = channel;
    this.#source = source;
    this.#negotiate = negotiate;
    this.#isDelta = isDelta;
  }

  /** The address of a new connection, asked for with a fresh token. */
  async negotiate(): Promise<Address> {
    if (this.#negotiate !== null) {
      const address = await this.#asked(this.#negotiate);
      this.#token = address.token ?? this.#token;
      return address;
    }

    await this.#renewToken();
    const answer = await this.#call("POST", `negotiate${this.#isDelta ? "?text=delta" : ""}`);
    if (!isObject(answer) || typeof answer["url"] !== "string" || typeof answer["expires_at"] !== "string") {
      throw new UnavailableError("The server's answer is no address.");
    }

    return answer as unknown as Address;
  }

  /** What was sent after a sequence, oldest first. */
  async updates(after: number): Promise<readonly Update[]> {
    const answer = await this.#call("GET", `updates?after=${after}`);
    if (!isObject(answer) || !Array.isArray(answer["updates"])) {
      throw new UnavailableError("The server's answer has no updates.");
    }

    return answer["updates"].map((update) => readUpdate(update, this.#channel)).filter((update) => update !== null);
  }

  async history({ limit, before }: HistoryQuery): Promise<HistoryPage> {
    const query = new URLSearchParams({ ...(limit === undefined ? {} : { limit: String(limit) }), ...(before === undefined ? {} : { before }) });
    const answer = await this.#call("GET", `messages?${query}`);
    if (!isObject(answer) || !Array.isArray(answer["messages"])) {
      throw new UnavailableError("The server's answer has no messages.");
    }

    return answer as unknown as HistoryPage;
  }

  /** Posts something about a message. */
  post(messageId: string, path: string, body?: unknown): Promise<unknown> {
    return this.#call("POST", `messages/${routeName(messageId)}/${path}`, body);
  }

  async #call(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    const request = { method, url: this.#base + path, body };
    try {
      return await call(this.#platform, { ...request, token: this.#token });
    } catch (error) {
      if (!(error instanceof RefusedError) || error.status !== 401 || !(await this.#renewToken())) {
        throw error;
      }

      return await call(this.#platform, { ...request, token: this.#token });
    }
  }

  /** Whether there is another token than before. */
  async #renewToken(): Promise<boolean> {
    const old = this.#token;
    if (typeof this.#source === "function") {
      this.#token = await this.#asked(this.#source);
    } else if (this.#source !== null) {
      this.#token = this.#source;
    } else if (this.#negotiate !== null && old !== null) {
      this.#token = (await this.#asked(this.#negotiate)).token ?? null;
    }

    return this.#token !== old;
  }

  /** The host application's word, within the time that a request may take. What it throws is taken for an outage, but for a refusal. */
  async #asked<T>(question: () => T | Promise<T>): Promise<T> {
    let timer;
    const late = new Promise<never>((_, reject) => {
      timer = this.#platform.setTimeout(() => reject(new UnavailableError("The host application does not answer.")), 30_000);
    });
    try {
      return await Promise.race([Promise.resolve().then(question), late]);
    } catch (error) {
      throw error instanceof RefusedError || error instanceof UnavailableError ? error : new UnavailableError(error instanceof Error ? error.message : String(error));
    } finally {
      this.#platform.clearTimeout(timer);
    }
  }
}
