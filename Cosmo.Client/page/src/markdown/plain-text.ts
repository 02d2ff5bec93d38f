import { blocksOf } from "./blocks.js";
import { sanitize } from "./sanitize.js";

/** A Markdown text as it is read out: without its marks. */
export function plainText(markdown: string): string {
  return blocksOf(markdown, false).map((html) => sanitize(html).textContent ?? "").join("\n").trim();
}
