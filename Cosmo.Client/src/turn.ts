import type { ToolCall, Update, Usage } from "./updates.js";

/**
 * Where a turn is:
 * - `sending`: the question has not left, or nobody knows yet whether it arrived;
 * - `queued`: the server has it, and it waits for its turn;
 * - `working`, `answering`: it is being answered, without or with text;
 * - `completed`, `cancelled`, `failed`: the server ended it;
 * - `refused`: the server did not take the question; `unsent`: it never left;
 * - `lost`: this client heard no more of it. That is a guess: what the server says later counts.
 */
export type TurnState = "sending" | "queued" | "working" | "answering" | "completed" | "cancelled" | "failed" | "refused" | "unsent" | "lost";

/** Why there is no whole answer. */
export interface TurnError {
  /** A sentence for the user. */
  readonly message: string;
  /** The cause, for developers. */
  readonly details: string | null;
  /** An answer that ran out of time, rather than into an error. */
  readonly isTimeout: boolean;
}

/** A question and its answer. Never changed: what is new comes as another object with the same `id`. */
export interface Turn {
  /** Unique among the turns: the message id, or what stands for it where it is not known any more. */
  readonly id: string;
  readonly messageId: string | null;
  /** Null where it is not known. */
  readonly question: string | null;
  /** The text so far. */
  readonly answer: string;
  readonly state: TurnState;
  /** The sentence that says what happens at the moment; null when there is nothing to say. */
  readonly status: string | null;
  readonly tools: readonly ToolCall[];
  readonly error: TurnError | null;
  /** Why a completed answer was cut. */
  readonly incomplete: string | null;
  readonly usage: Usage | null;
  readonly profile: string | null;
  readonly threadId: string | null;
  /** The message whose place this one takes. */
  readonly replaces: string | null;
  /** The message whose answer answers this one too. */
  readonly answeredBy: string | null;
  /** When it was asked or, if that is not known, first heard of; milliseconds since 1970. */
  readonly createdAt: number | null;
}

/** Whether nothing more is expected for a turn. */
export function isOver(turn: Turn): boolean {
  return !["sending", "queued", "working", "answering"].includes(turn.state);
}

/** A turn and what it is judged by: from which update each part of it is. */
export interface TrackedTurn {
  readonly turn: Turn;
  /** The newest update that counted. */
  readonly sequence: number;
  /** The newest update of each call. */
  readonly calls: ReadonlyMap<string, number>;
  /** The server said that it began with it. */
  readonly isStarted: boolean;
  /** The server's final update was taken; only a new attempt begins it again. */
  readonly isEnded: boolean;
}

/** A turn of which nothing has been heard. */
export function newTurn(id: string, known: Partial<Turn> = {}): TrackedTurn {
  const turn: Turn = {
    id, messageId: id, question: null, answer: "", state: "working", status: null, tools: [], error: null, incomplete: null, usage: null, profile: null, threadId: null,
    replaces: null, answeredBy: null, createdAt: null, ...known,
  };
  return { turn, sequence: -1, calls: new Map(), isStarted: false, isEnded: false };
}

/** What an update makes of a turn. */
export type Taken =
  /** Another turn. */
  | TrackedTurn
  /** It came before, it is older, or the message is over. */
  | "nothing_new"
  /** Text before this one is missing: all of it has to be asked for. */
  | "gap";

/**
 * Takes an update. Older ones fill in what is missing and change nothing else, so the order in which updates arrive does not matter.
 * @param sequence the update's, or a number in its place that is higher than those before
 */
export function take(tracked: TrackedTurn, update: Update, sequence: number): Taken {
  const isNewAttempt = update.status === "started" && tracked.isEnded && sequence > tracked.sequence;
  if (isNewAttempt) {
    const { question, createdAt, replaces } = tracked.turn;
    return take({ ...newTurn(tracked.turn.id, { question, createdAt, replaces }), sequence: tracked.sequence }, update, sequence);
  }

  const filled = fillIn(tracked, update, sequence);
  const isOlder = sequence < tracked.sequence || (sequence === tracked.sequence && !isRepair(tracked, update));
  if (tracked.isEnded || isOlder) {
    return filled === tracked ? "nothing_new" : filled;
  }

  return advance({ ...filled, sequence }, update);
}

/** What holds whichever update is newer: what was asked, and each call's newest state. */
function fillIn(tracked: TrackedTurn, update: Update, sequence: number): TrackedTurn {
  const known: Partial<Turn> = {
    ...(tracked.turn.question === null && update.question !== undefined ? { question: update.question } : {}),
    ...(tracked.turn.replaces === null && update.replaces !== undefined ? { replaces: update.replaces } : {}),
    ...(tracked.turn.createdAt === null && update.timestamp !== undefined ? { createdAt: update.timestamp * 1000 } : {}),
    ...(tracked.turn.profile === null && update.profile !== undefined ? { profile: update.profile } : {}),
    ...(tracked.turn.threadId === null && typeof update.thread_id === "string" ? { threadId: update.thread_id } : {}),
  };
  const call = update.tool;
  const isStarted = tracked.isStarted || update.status === "started";
  if (call === undefined || sequence <= (tracked.calls.get(call.call_id) ?? -1)) {
    return Object.keys(known).length === 0 && isStarted === tracked.isStarted ? tracked : { ...tracked, isStarted, turn: { ...tracked.turn, ...known } };
  }

  const tools = tracked.turn.tools.some((one) => one.call_id === call.call_id)
    ? tracked.turn.tools.map((one) => (one.call_id === call.call_id ? call : one))
    : [...tracked.turn.tools, call];
  return { ...tracked, isStarted, calls: new Map(tracked.calls).set(call.call_id, sequence), turn: { ...tracked.turn, ...known, tools } };
}

/** The whole text of an update of which only the new text was had, where pieces before it were not. */
function isRepair({ turn }: TrackedTurn, { type, message }: Update): boolean {
  return type === "response" && message !== undefined && message !== turn.answer;
}

function advance(tracked: TrackedTurn, update: Update): Taken {
  if (update.final_message === true) {
    return end(tracked, update);
  }

  const { turn } = tracked;
  if (update.type === "response") {
    const answer = textAfter(turn.answer, update);
    return answer === null ? "gap" : { ...tracked, turn: { ...turn, answer, state: "answering", status: null, error: null } };
  }

  const state = update.status === "started" || turn.answer === "" ? "working" : "answering";
  const waits = update.tool?.state === "awaiting_approval";
  return { ...tracked, turn: { ...turn, state, status: waits ? null : (update.message ?? null), error: null } };
}

/** All of the answer; null if what comes before the new text is missing. */
function textAfter(answer: string, { message, offset, text }: Update): string | null {
  if (message !== undefined || offset === undefined || text === undefined) {
    return message ?? answer;
  }

  return offset > answer.length ? null : answer.slice(0, offset) + text;
}

function end(tracked: TrackedTurn, update: Update): TrackedTurn {
  const state = update.type === "response" || update.answered_by !== undefined ? "completed" : update.status === "cancelled" ? "cancelled" : "failed";
  const isText = state !== "failed";
  return {
    ...tracked,
    isEnded: true,
    turn: {
      ...tracked.turn,
      answer: isText ? (update.message ?? tracked.turn.answer) : tracked.turn.answer,
      state,
      status: null,
      error: isText ? null : { message: update.message ?? "", details: update.error_details ?? null, isTimeout: update.type === "timeout" },
      incomplete: update.incomplete ?? null,
      usage: update.usage ?? null,
      answeredBy: update.answered_by ?? null,
    },
  };
}
