import type { Turn } from "@cosmo/client";
import { useState } from "preact/hooks";
import { useChatActions } from "../conversation/ChatContext.js";
import { announce } from "../frame/announce.js";
import { Icon } from "../frame/Icon.js";

/** Ends the answer that is under way. The server's final update says that it has ended. */
export function StopButton({ turn }: { turn: Turn }) {
  const { stop } = useChatActions();
  const [isStopping, setStopping] = useState(false);
  const click = (): void => {
    setStopping(true);
    announce("Stopping.");
    void stop(turn).then((isSaid) => setStopping(isSaid));
  };
  const label = isStopping ? "Stopping" : "Stop";
  return <button type="button" class="round" data-testid="stop" aria-label={label} title={label} disabled={isStopping} onClick={click}><Icon name="stop" /></button>;
}
