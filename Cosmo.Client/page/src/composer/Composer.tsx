import { isOver, type Turn } from "@cosmo/client";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../frame/Icon.js";
import { draftOf, keepDraft } from "../storage/drafts.js";
import { takeOutdated } from "../storage/sent.js";
import { sendsOnEnter } from "./keys.js";
import { Limit } from "./Limit.js";
import { isTooLong } from "./limits.js";
import { type Recall, step } from "./recall.js";
import { StopButton } from "./StopButton.js";

/** Where questions are written. What stands in it is kept on the device until it is sent. */
export function Composer({ channel, turns, ask }: { channel: string; turns: readonly Turn[]; ask: ((text: string) => void) | null }) {
  const [text, setText] = useState(() => draftWithOutdated(channel));
  const [isKept, setKept] = useState(true);
  const recall = useRef<Recall>({ back: 0, draft: "" });
  const field = useRef<HTMLTextAreaElement>(null);
  const underWay = turns.find((turn) => !isOver(turn));
  const cannotSend = ask === null || text.trim() === "" || isTooLong(text);

  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) {
      field.current?.focus();
    }
  }, []);
  useLayoutEffect(() => {
    // As tall as its text; where the browser cannot do that by style.
    const box = field.current!;
    if (!CSS.supports("field-sizing", "content")) {
      box.style.height = "auto";
      box.style.height = `${box.scrollHeight}px`;
    }
  }, [text]);

  const write = (next: string): void => {
    setText(next);
    setKept(keepDraft(channel, next));
  };
  const submit = (): void => {
    if (!cannotSend) {
      ask(text.trim());
      write("");
      recall.current = { back: 0, draft: "" };
      field.current?.focus();
    }
  };
  const goBack = (by: 1 | -1): boolean => {
    const box = field.current!;
    const isUntouched = recall.current.back > 0 || text === "";
    const isAtEdge = box.selectionStart === box.selectionEnd && (by === 1 ? !text.slice(0, box.selectionStart).includes("\n") : !text.slice(box.selectionEnd).includes("\n"));
    const questions = turns.map(({ question }) => question).filter((question) => question !== null);
    const next = isUntouched && isAtEdge ? step(recall.current.back === 0 ? { back: 0, draft: text } : recall.current, questions, by) : null;
    if (next !== null) {
      recall.current = next.recall;
      write(next.text);
    }

    return next !== null;
  };

  return (
    <form class="composer" autocomplete="off" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <div class="column">
        <div class="field">
          <label class="unseen" for="composer">Your question</label>
          <textarea
            ref={field} id="composer" data-testid="composer" dir="auto" rows={1} placeholder="Ask Cosmo" enterkeyhint="send" aria-describedby="keys limit"
            value={text}
            onInput={({ currentTarget }) => {
              recall.current = { back: 0, draft: "" };
              write(currentTarget.value);
            }}
            onKeyDown={(event) => {
              if (sendsOnEnter(event)) {
                event.preventDefault();
                submit();
              } else if ((event.key === "ArrowUp" && goBack(1)) || (event.key === "ArrowDown" && goBack(-1))) {
                event.preventDefault();
              }
            }}
          />
          {underWay !== undefined && <StopButton key={underWay.id} turn={underWay} />}
          <button type="submit" class="round primary" data-testid="send" aria-label="Send" title="Send" disabled={cannotSend}><Icon name="send" /></button>
        </div>
        <Limit id="limit" text={text} />
        {!isKept && <p class="limit" data-over>This browser has no room to keep your text: it would be lost with this tab.</p>}
        <p class="keys" id="keys"><kbd>Enter</kbd> sends, <kbd>Shift</kbd> + <kbd>Enter</kbd> begins a new line, <kbd>↑</kbd> recalls</p>
      </div>
    </form>
  );
}

/** The draft, with questions that waited too long to be sent by themselves. */
function draftWithOutdated(channel: string): string {
  const outdated = takeOutdated(channel, Date.now()).map(({ text }) => text);
  const draft = [...outdated, draftOf(channel)].filter((text) => text !== "").join("\n\n");
  if (outdated.length > 0) {
    keepDraft(channel, draft);
  }

  return draft;
}
