/** A step of an answer: a tool that the model called. */
export interface ToolCall {
  readonly call_id: string;
  readonly name: string;
  readonly state: "running" | "done" | "failed" | "refused" | "awaiting_approval";
  /** How long it took, once it is over. */
  readonly seconds?: number;
  /** Until when a person may decide. */
  readonly expires_at?: string;
  /** What the call would be made with, while approval is awaited. */
  readonly arguments?: unknown;
}

/** What an answer used. */
export interface Usage {
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly model: string;
  readonly rounds: number;
}

/** What the server says about a message, as it stands on the wire. */
export interface Update {
  /** The text to show: of `response` updates all of the answer so far. Left out where `text` is there. */
  readonly message?: string;
  /** Unix seconds with a fraction. */
  readonly timestamp?: number;
  /** started, processing, retrying, responding, in_progress, completed, error or cancelled; others may come. */
  readonly status: string;
  /** status, tool, response, error or timeout; others may come. */
  readonly type: string;
  /** Nothing follows for this message. */
  readonly final_message?: boolean;
  /** The message that it is about; null only for one that was refused and whose id could not be read. */
  readonly message_id: string | null;
  readonly thread_id?: string | null;
  /** Grows by update within a channel. */
  readonly sequence?: number;
  /** The cause, on errors. */
  readonly error_details?: string;
  readonly tool?: ToolCall;
  readonly question?: string;
  readonly usage?: Usage;
  /** Why the answer was cut: `max_output_tokens` or `content_filter`; others may come. */
  readonly incomplete?: string;
  readonly profile?: string;
  readonly replaces?: string;
  readonly answered_by?: string;
  /** Where in the answer `text` begins, in UTF-16 code units. */
  readonly offset?: number;
  /** Only what is new of the answer. */
  readonly text?: string;
}

/** Reads what came over the wire; null for what is no update of this channel. */
export function readUpdate(data: unknown, channel: string): Update | null {
  if (!isObject(data) || data["channel"] !== channel || !isObject(data["payload"])) {
    return null;
  }

  const payload = data["payload"];
  const isText = typeof payload["message"] === "string" || (typeof payload["text"] === "string" && Number.isInteger(payload["offset"]));
  const isAboutMessage = typeof payload["message_id"] === "string" || payload["message_id"] === null;
  return isText && isAboutMessage && typeof payload["status"] === "string" && typeof payload["type"] === "string" ? (payload as unknown as Update) : null;
}

/** Whether a value is an object with named fields. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
