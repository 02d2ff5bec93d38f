import type { Chat, ConnectionState } from "@cosmo/client";
import { useEffect, useState } from "preact/hooks";

const patience = 2_000;

/** What to know and to do while there is no connection for more than a moment. */
export function ConnectionNotice({ chat, state }: { chat: Chat | null; state: ConnectionState }) {
  const isThere = state.name === "connected" || state.name === "renewing" || state.name === "closed";
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = isThere ? undefined : setTimeout(() => setShown(true), patience);
    setShown(false);
    return () => clearTimeout(timer);
  }, [isThere]);
  if (state.name === "refused") {
    return (
      <div class="notice" role="alert" data-testid="notice">
        <p>{state.reason.message}</p>
        <button type="button" class="button" onClick={() => chat?.reconnect()}>Try again</button>
      </div>
    );
  }

  return !isShown || isThere ? null : (
    <div class="notice" data-testid="notice">
      <p>There is no connection. It is tried again by itself, and what you send is kept until it can leave.</p>
      {chat !== null && <button type="button" class="button" onClick={() => chat.reconnect()}>Try now</button>}
    </div>
  );
}
