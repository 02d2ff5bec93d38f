import { isOver } from "@cosmo/client";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Suggestion } from "../config.js";
import { Icon } from "../frame/Icon.js";
import { TurnView } from "../turn/TurnView.js";
import { useFollow } from "./useFollow.js";
import type { ChatView } from "./useChat.js";
import { Welcome } from "./Welcome.js";

/** What was said, or what a new conversation may begin with. */
export function Conversation({ view, isKnown, suggestions, ask }: { view: ChatView; isKnown: boolean; suggestions: readonly Suggestion[]; ask: (text: string) => void }) {
  const { turns, isLoaded, loadOlder, connection } = view;
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { isAtEnd, toEnd } = useFollow(scroller, content, turns.length > 0);
  const last = turns.at(-1);
  const lastSent = turns.findLast(({ state }) => state === "sending")?.id;
  // Whoever asks wants to see what comes.
  useLayoutEffect(() => (lastSent === undefined ? undefined : toEnd()), [lastSent]);
  const isConnected = connection.name === "connected" || connection.name === "renewing";
  return (
    <main ref={scroller} class="scroller" tabIndex={-1} id="main">
      <div ref={content} class="column">
        {turns.length === 0 && (isLoaded || !isKnown) && <Welcome suggestions={suggestions} ask={ask} />}
        {turns.length === 0 && !isLoaded && isKnown && <p class="loading" data-testid="loading">Loading what was said…</p>}
        {loadOlder !== null && <Older load={loadOlder} />}
        <div role="log" aria-live="off" aria-label="Conversation" data-testid="conversation">
          {turns.map((turn, index) => (
            <TurnView key={turn.id} turn={turn} isLast={turn === last} isConnected={isConnected} before={isOver(turn) ? 0 : turns.slice(0, index).filter((one) => !isOver(one)).length} />
          ))}
        </div>
      </div>
      {!isAtEnd && (
        <button type="button" class="to-latest" onClick={toEnd} data-testid="to-latest">
          <Icon name="down" /> To the latest
        </button>
      )}
    </main>
  );
}

function Older({ load }: { load: () => Promise<void> }) {
  const [state, setState] = useState<"idle" | "busy" | "failed">("idle");
  const click = (): void => {
    setState("busy");
    load().then(() => setState("idle"), () => setState("failed"));
  };
  return (
    <p class="older">
      <button type="button" class="button" onClick={click} disabled={state === "busy"}>{state === "busy" ? "Loading…" : "Show what was said before"}</button>
      {state === "failed" && <span> It could not be loaded; please try again.</span>}
    </p>
  );
}
