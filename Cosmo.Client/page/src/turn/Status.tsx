import type { Turn } from "@cosmo/client";
import { useState } from "preact/hooks";
import { useChatActions } from "../conversation/ChatContext.js";
import { statusOf } from "./words.js";

/** What happens to a turn at the moment; one that stands behind others can be taken back. */
export function Status({ turn, before, isConnected }: { turn: Turn; before: number; isConnected: boolean }) {
  const { stop } = useChatActions();
  const [isStopping, setStopping] = useState(false);
  const takeBack = (): void => {
    setStopping(true);
    void stop(turn).then((isSaid) => setStopping(isSaid));
  };
  return (
    <>
      <p class="status" data-testid="status">{statusOf(turn, before, isConnected)}</p>
      {before > 0 && (turn.state === "queued" || turn.state === "sending") && (
        <button type="button" class="button" data-testid="take-back" disabled={isStopping} onClick={takeBack}>Take it back</button>
      )}
    </>
  );
}
