import type { HistoryMessage } from "./channel-api.js";
import { newTurn, take, type TrackedTurn, type Turn } from "./turn.js";
import type { Update } from "./updates.js";

/** What an update meant for a conversation. */
export type Reception = "taken" | "nothing_new" | "gap";

/** The turns of a channel, and how much of what the server sent is known without a hole. */
export class Conversation {
  #turns: TrackedTurn[] = [];
  #visible: readonly Turn[] = [];
  #complete = 0;
  #newest = 0;
  readonly #ahead = new Set<number>();
  readonly #changed: (turn: Turn) => void;

  /** @param changed is called for every turn that is new or has become another */
  constructor(changed: (turn: Turn) => void) {
    this.#changed = changed;
  }

  /** The turns in their order, without those in whose place another one was asked. */
  get visible(): readonly Turn[] {
    return this.#visible;
  }

  /** The sequence up to which nothing is missing. */
  get complete(): number {
    return this.#complete;
  }

  /** The highest sequence that was heard of. */
  get newest(): number {
    return this.#newest;
  }

  /** Whether something between what was heard is missing. */
  get hasHole(): boolean {
    return this.#ahead.size > 0;
  }

  find(id: string): Turn | null {
    return this.#tracked(id)?.turn ?? null;
  }

  /** Whether the server has said anything about a message. */
  isKnownToServer(id: string): boolean {
    const tracked = this.#tracked(id);
    return tracked !== undefined && (tracked.sequence >= 0 || tracked.isEnded);
  }

  /** Adds a turn at the end. */
  add(turn: Partial<Turn> & { id: string }): void {
    this.#store(newTurn(turn.id, turn));
  }

  /** Changes what this client itself says about a turn. What the server has said stays. */
  amend(id: string, change: Partial<Turn>): void {
    const tracked = this.#tracked(id);
    if (tracked !== undefined) {
      this.#store({ ...tracked, turn: { ...tracked.turn, ...change } });
    }
  }

  /** Takes an update of the server. */
  receive(update: Update): Reception {
    const id = update.message_id;
    if (id === null) {
      this.#count(update.sequence);
      return "nothing_new";
    }

    const before = this.#tracked(id) ?? newTurn(id);
    const after = take(before, update, update.sequence ?? Math.max(0, before.sequence) + 0.01);
    if (after === "gap") {
      // It counts as missing itself, so that its whole text is asked for.
      return after;
    }

    this.#count(update.sequence);
    if (after === "nothing_new") {
      return after;
    }

    this.#store(after);
    return "taken";
  }

  /** Nothing up to this sequence can be asked for any more than is known now. */
  completeTo(sequence: number): void {
    this.#complete = Math.max(this.#complete, sequence);
    this.#newest = Math.max(this.#newest, this.#complete);
    this.#closeUp();
  }

  /** Takes a page of the history. */
  takeHistory(messages: readonly HistoryMessage[], isFirst: boolean): void {
    let before: string | null = null;
    const pairs = pairUp(messages).filter((pair, index, { length }) => !(isFirst && index === length - 1 && this.#isNotNamedYet(pair)));
    for (const [index, pair] of pairs.entries()) {
      const known = this.#tracked(pair.id);
      if (known === undefined) {
        this.#insert(pair, before, pairs.slice(index + 1), isFirst);
      } else {
        this.#settle(known, pair);
      }

      before = pair.id;
    }
  }

  /** What is being answered, or was just now, has no message id in the history yet. */
  #isNotNamedYet({ messageId, question }: Partial<Turn>): boolean {
    return messageId === null && this.#turns.some(({ turn }) => turn.messageId !== null && turn.question === question);
  }

  /** How a turn ended of which no final update came, and what it was asked. */
  #settle(known: TrackedTurn, pair: Partial<Turn>): void {
    const { turn } = known;
    const question = turn.question ?? pair.question ?? null;
    const createdAt = turn.createdAt ?? pair.createdAt ?? null;
    if (!known.isEnded && pair.state !== undefined && pair.state !== "lost") {
      this.#store({ ...known, turn: { ...turn, ...pair, tools: turn.tools.length > 0 ? turn.tools : (pair.tools ?? []), question, createdAt, status: null } });
    } else if (question !== turn.question || createdAt !== turn.createdAt) {
      this.#store({ ...known, turn: { ...turn, question, createdAt } });
    }
  }

  #insert(pair: Partial<Turn> & { id: string }, before: string | null, later: readonly { id: string }[], isFirst: boolean): void {
    const ids = this.#turns.map(({ turn }) => turn.id);
    const next = later.map(({ id }) => ids.indexOf(id)).find((index) => index >= 0);
    const live = isFirst ? this.#turns.findIndex(({ sequence, turn }) => sequence >= 0 || turn.state === "sending" || turn.state === "queued") : 0;
    const index = before !== null ? ids.indexOf(before) + 1 : (next ?? (live < 0 ? ids.length : live));
    const tracked = newTurn(pair.id, pair);
    this.#turns = [...this.#turns.slice(0, index), tracked, ...this.#turns.slice(index)];
    this.#store(tracked);
  }

  #tracked(id: string): TrackedTurn | undefined {
    return this.#turns.find(({ turn }) => turn.id === id);
  }

  #store(tracked: TrackedTurn): void {
    const isNew = this.#tracked(tracked.turn.id) === undefined;
    this.#turns = isNew ? [...this.#turns, tracked] : this.#turns.map((one) => (one.turn.id === tracked.turn.id ? tracked : one));
    this.#look();
    this.#changed(tracked.turn);
  }

  /** A question that is asked in the place of another hides that one and what came after; one that was not asked in the end hides nothing. */
  #look(): void {
    let visible: Turn[] = [];
    for (const { turn, isStarted } of this.#turns) {
      const takesPlace = isStarted || turn.state === "sending" || turn.state === "queued";
      const index = turn.replaces === null || !takesPlace ? -1 : visible.findIndex(({ id }) => id === turn.replaces);
      visible = index < 0 ? visible : visible.slice(0, index);
      visible.push(turn);
    }

    this.#visible = visible;
  }

  #count(sequence: number | undefined): void {
    if (sequence === undefined || sequence <= this.#complete) {
      return;
    }

    this.#newest = Math.max(this.#newest, sequence);
    this.#ahead.add(sequence);
    this.#closeUp();
  }

  #closeUp(): void {
    while (this.#ahead.delete(this.#complete + 1)) {
      this.#complete++;
    }

    for (const sequence of this.#ahead) {
      if (sequence <= this.#complete) {
        this.#ahead.delete(sequence);
      }
    }
  }
}

const unexplained = "The answer could not be finished.";

/** The turns of a page, oldest first. A question without an answer of its own stands alone. */
function pairUp(messages: readonly HistoryMessage[]): (Partial<Turn> & { id: string })[] {
  const turns: (Partial<Turn> & { id: string })[] = [];
  for (const message of [...messages].reverse()) {
    const id = message.message_id ?? `item:${message.id}`;
    const last = turns.at(-1);
    const createdAt = message.created_at === undefined ? null : Date.parse(message.created_at);
    if (message.role === "user") {
      turns.push({ id, messageId: message.message_id ?? null, question: message.text, createdAt, state: "lost" });
    } else {
      const answer = answerOf(message);
      // Questions that were asked together stand before the one answer, which names the first.
      const own = turns.find((turn) => turn.id === id) ?? (message.message_id === undefined && last?.messageId === null && last.state === "lost" ? last : undefined);
      own !== undefined ? Object.assign(own, answer) : turns.push({ id, messageId: message.message_id ?? null, createdAt, ...answer });
    }
  }

  return turns;
}

function answerOf({ text, status, tools, id }: HistoryMessage): Partial<Turn> {
  const state = status === "cancelled" ? "cancelled" : status === "error" || status === "timeout" ? "failed" : "completed";
  return {
    answer: text,
    state,
    error: state === "failed" ? { message: unexplained, details: null, isTimeout: status === "timeout" } : null,
    tools: (tools ?? []).map((name, index) => ({ call_id: `${id}:${index}`, name, state: "done" })),
  };
}
