import { type ConnectionState, isOver, type Turn } from "@cosmo/client";
import { useEffect, useRef } from "preact/hooks";
import { announce } from "../frame/announce.js";
import { plainText } from "../markdown/plain-text.js";

/** Says what happens to the turns, to whoever does not see them: statuses, what waits for a decision, and how each one ended. */
export function useTurnAnnouncements(turns: readonly Turn[]): void {
  const before = useRef<ReadonlyMap<string, Turn>>(new Map());
  useEffect(() => {
    for (const turn of turns) {
      const old = before.current.get(turn.id);
      const sentence = old === undefined ? null : news(old, turn);
      if (sentence !== null) {
        announce(sentence);
      }
    }

    before.current = new Map(turns.map((turn) => [turn.id, turn]));
  }, [turns]);
}

function news(old: Turn, turn: Turn): string | null {
  const asks = turn.tools.find(({ call_id, state }) => state === "awaiting_approval" && !old.tools.some((one) => one.call_id === call_id && one.state === state));
  if (asks !== undefined) {
    return `Cosmo asks for your approval: ${asks.name}.`;
  }

  if (isOver(turn) && !isOver(old)) {
    return turn.state === "completed" ? `Cosmo answered: ${plainText(turn.answer)}` : turn.state === "cancelled" ? "Stopped." : (turn.error?.message ?? null);
  }

  return turn.status !== old.status && turn.state !== "answering" ? turn.status : null;
}

/** Says when the connection is gone for more than a moment, and when it is back. */
export function useConnectionAnnouncements({ name }: ConnectionState): void {
  const isGone = useRef(false);
  const isThere = name === "connected" || name === "renewing";
  useEffect(() => {
    if (isThere && isGone.current) {
      isGone.current = false;
      announce("Connected again.");
    }

    const timer = isThere ? undefined : setTimeout(() => {
      isGone.current = true;
      announce("There is no connection. It is tried again by itself.");
    }, 3_000);
    return () => clearTimeout(timer);
  }, [isThere]);
}
