import { isOver, type Turn } from "@cosmo/client";
import { useState } from "preact/hooks";
import { CopyButton } from "../frame/CopyButton.js";
import { Icon } from "../frame/Icon.js";
import { draftOf } from "../storage/drafts.js";
import { EditQuestion, placeOf } from "./EditQuestion.js";

export function Question({ turn, isLast }: { turn: Turn; isLast: boolean }) {
  const { question, messageId } = turn;
  const [isEditing, setEditing] = useState(() => draftOf(placeOf(turn.id)) !== "");
  if (question === null) {
    return <div class="question"><h2 class="unseen">Question</h2><p class="elsewhere" data-role="user" data-testid="message">Asked from elsewhere</p></div>;
  }

  if (isEditing) {
    return <EditQuestion turn={turn} question={question} isLast={isLast} close={() => setEditing(false)} />;
  }

  return (
    <div class="question">
      <h2 class="unseen">You</h2>
      <p dir="auto" data-role="user" data-testid="message">{question}</p>
      <div class="actions">
        <CopyButton text={() => question} label="Copy the question" />
        {messageId !== null && isOver(turn) && (
          <button type="button" class="icon-button" aria-label="Edit the question" title="Edit the question" data-testid="edit" onClick={() => setEditing(true)}>
            <Icon name="edit" />
          </button>
        )}
      </div>
    </div>
  );
}
