import { isOver, type ToolCall, type Turn } from "@cosmo/client";
import { Icon } from "../frame/Icon.js";
import { duration } from "./words.js";

const words: Record<ToolCall["state"], string> = { running: "at work", done: "done", failed: "failed", refused: "not carried out", awaiting_approval: "waits for your decision" };

/** The steps of an answer, and how long each took. */
export function Tools({ turn }: { turn: Turn }) {
  return turn.tools.length === 0 ? null : (
    <ul class="tools" aria-label="Steps">
      {turn.tools.map(({ call_id, name, state, seconds }) => {
        const shown = isOver(turn) && (state === "running" || state === "awaiting_approval") ? "stopped" : state;
        return (
          <li key={call_id} class="tool" data-testid="tool" data-state={shown}>
            <Icon name="tool" />
            <code>{name}</code>
            <span class="unseen">{shown === "stopped" ? "stopped" : words[state]}</span>
            {state === "failed" && <span>failed</span>}
            {state === "refused" && <span>not carried out</span>}
            {seconds !== undefined && <span class="seconds">{duration(seconds)}</span>}
          </li>
        );
      })}
    </ul>
  );
}
