import type { Turn } from "@cosmo/client";
import { useChatActions } from "../conversation/ChatContext.js";
import { CopyButton } from "../frame/CopyButton.js";
import { Icon } from "../frame/Icon.js";
import { Feedback } from "./Feedback.js";

/** What can be done with an answer that is over. */
export function Actions({ turn, isLast }: { turn: Turn; isLast: boolean }) {
  const { askAgain } = useChatActions();
  const canAskAgain = isLast && turn.messageId !== null && turn.question !== null && (turn.state === "completed" || turn.state === "cancelled");
  return turn.answer === "" && !canAskAgain ? null : (
    <div class="actions">
      {turn.answer !== "" && <CopyButton text={() => turn.answer} label="Copy the answer" />}
      {canAskAgain && (
        <button type="button" class="icon-button" aria-label="Ask again" title="Ask again" data-testid="again" onClick={() => askAgain(turn)}><Icon name="again" /></button>
      )}
      {turn.state === "completed" && turn.answer !== "" && turn.messageId !== null && <Feedback messageId={turn.messageId} />}
    </div>
  );
}
