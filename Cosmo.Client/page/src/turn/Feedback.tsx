import { useState } from "preact/hooks";
import { useChatActions } from "../conversation/ChatContext.js";
import { announce } from "../frame/announce.js";
import { Icon } from "../frame/Icon.js";
import type { Rating } from "../storage/ratings.js";

/** What the user thinks of an answer; of a bad one, also why. */
export function Feedback({ messageId }: { messageId: string }) {
  const actions = useChatActions();
  const [rating, setRating] = useState(() => actions.ratingOf(messageId));
  const [isAsking, setAsking] = useState(false);
  const [comment, setComment] = useState("");
  const [problem, setProblem] = useState("");
  const rate = async (next: Rating, words?: string): Promise<void> => {
    const before = rating;
    setRating(next);
    setProblem("");
    try {
      await actions.rate(messageId, next, words);
      announce("Thank you.");
      setAsking(next === "down" && words === undefined);
    } catch {
      setRating(before);
      setProblem("Your rating could not be delivered. Please try again.");
    }
  };
  return (
    <>
      {(["up", "down"] as const).map((one) => {
        const label = one === "up" ? "A good answer" : "A bad answer";
        return (
          <button key={one} type="button" class="icon-button" aria-label={label} title={label} aria-pressed={rating === one} data-testid={`thumb-${one}`} onClick={() => void rate(one)}>
            <Icon name={one === "up" ? "thumbUp" : "thumbDown"} />
          </button>
        );
      })}
      {isAsking && (
        <form class="comment" onSubmit={(event) => { event.preventDefault(); void rate("down", comment.trim()); }}>
          <label for={`comment-${messageId}`}>What was wrong?</label>
          <input id={`comment-${messageId}`} dir="auto" value={comment} maxLength={2000} onInput={({ currentTarget }) => setComment(currentTarget.value)} />
          <button type="submit" class="button" disabled={comment.trim() === ""}>Send</button>
          <button type="button" class="button" onClick={() => setAsking(false)}>No comment</button>
        </form>
      )}
      {problem !== "" && <p class="problem-line" role="alert">{problem}</p>}
    </>
  );
}
