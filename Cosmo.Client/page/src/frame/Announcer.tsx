import { useEffect, useState } from "preact/hooks";
import { onAnnounced } from "./announce.js";

const shownFor = 6_000;

/** The page's one live region: what happens, and each answer once it is whole; never the text as it grows. What did not work is shown as well. */
export function Announcer() {
  const [{ sentence, isShown }, setSaid] = useState({ sentence: "", isShown: false });
  useEffect(() => onAnnounced((said, shown) => setSaid({ sentence: said, isShown: shown })), []);
  useEffect(() => {
    const timer = isShown ? setTimeout(() => setSaid((said) => ({ ...said, isShown: false })), shownFor) : undefined;
    return () => clearTimeout(timer);
  }, [sentence, isShown]);
  return <div class={isShown ? "complaint" : "unseen"} role="status" aria-live="polite" aria-atomic="true" data-testid="announcer">{sentence}</div>;
}
