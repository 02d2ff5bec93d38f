import type { Turn } from "@cosmo/client";
import { useChatActions } from "../conversation/ChatContext.js";
import { Icon } from "../frame/Icon.js";
import { cutOf, problemOf } from "./words.js";

/** How a turn ended, where that is worth a word. */
export function Ending({ turn }: { turn: Turn }) {
  const { askAgain } = useChatActions();
  const problem = problemOf(turn);
  if (problem !== null) {
    return (
      <div class="problem" data-testid="error">
        <p>{problem}</p>
        {turn.error?.details && turn.state !== "unsent" && <p class="details">{turn.error.details}</p>}
        {turn.question !== null && (
          <button type="button" class="button" data-testid="try-again" onClick={() => askAgain(turn)}><Icon name="again" /> Try again</button>
        )}
      </div>
    );
  }

  const words = turn.state === "cancelled" ? (turn.answer === "" ? "Stopped before there was an answer." : "Stopped here.")
    : turn.state === "lost" ? "This question has no answer of its own."
    : turn.answeredBy !== null && turn.answer === "" ? "Answered together with another question."
    : cutOf(turn);
  return words === "" ? null : <p class="ending" data-testid="ending">{words}</p>;
}
