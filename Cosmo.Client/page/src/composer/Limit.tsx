import { isTooLong, roomLeft } from "./limits.js";

/** How much more may be written, where that begins to matter. */
export function Limit({ text, id }: { text: string; id?: string }) {
  const words = roomLeft(text);
  return <p id={id} class="limit" data-testid="limit" data-over={isTooLong(text) ? "" : undefined}>{words}</p>;
}
