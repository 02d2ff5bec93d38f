import type { ConnectionState } from "@cosmo/client";
import { useNow } from "../conversation/useNow.js";
import { connectionWords } from "./connection-words.js";

/** How the connection is. */
export function Connection({ state }: { state: ConnectionState }) {
  const now = useNow(state.name === "waiting");
  // While the next connection is made, this one goes on.
  const name = state.name === "renewing" ? "connected" : state.name;
  return <p class="connection" data-testid="connection" data-state={name}><span>{connectionWords(state, now, navigator.onLine)}</span></p>;
}
