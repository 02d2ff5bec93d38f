import { isOver, type Turn } from "@cosmo/client";
import { Component } from "preact";
import { Markdown } from "../markdown/Markdown.js";
import { Actions } from "./Actions.js";
import { Approval } from "./Approval.js";
import { Ending } from "./Ending.js";
import { Question } from "./Question.js";
import { Status } from "./Status.js";
import { Tools } from "./Tools.js";
import { nameOf } from "./words.js";

interface TurnProps {
  turn: Turn;
  isLast: boolean;
  isConnected: boolean;
  /** How many unfinished turns stand before it. */
  before: number;
}

/** A question and what comes back for it. Drawn anew only when something of it is another. */
export class TurnView extends Component<TurnProps> {
  override shouldComponentUpdate(next: TurnProps): boolean {
    return (Object.keys(next) as (keyof TurnProps)[]).some((key) => next[key] !== this.props[key]);
  }

  override render({ turn, isLast, isConnected, before }: TurnProps) {
    return (
      <article class="turn" data-testid="turn" data-message-id={turn.messageId ?? turn.id} data-state={nameOf(turn)} aria-busy={!isOver(turn)}>
        <Question turn={turn} isLast={isLast} />
        <div class="reply" data-role="assistant" data-testid="message">
          <h2 class="unseen">Cosmo</h2>
          <Tools turn={turn} />
          {turn.messageId !== null && !isOver(turn) && turn.tools.filter(({ state }) => state === "awaiting_approval").map((call) => (
            <Approval key={call.call_id} messageId={turn.messageId!} call={call} />
          ))}
          <div class="answer" dir="auto" data-testid="answer"><Markdown text={turn.answer} isGrowing={!isOver(turn)} /></div>
          <Status turn={turn} before={before} isConnected={isConnected} />
          <Ending turn={turn} />
          {isOver(turn) && <Actions turn={turn} isLast={isLast} />}
        </div>
      </article>
    );
  }
}
