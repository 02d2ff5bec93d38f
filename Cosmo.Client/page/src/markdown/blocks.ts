import { Marked, type Token, type TokensList } from "marked";
import { safeAddress } from "./links.js";
import { completeTail } from "./tail.js";

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => (/^<br\s*\/?>$/i.test(text.trim()) ? "<br>" : escaped(text)),
    code: ({ text, lang }) => `<pre data-lang="${escaped(lang?.split(/\s/)[0] ?? "")}"><code>${escaped(text)}</code></pre>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    link({ href, tokens }) {
      const address = safeAddress(href);
      const text = this.parser.parseInline(tokens);
      return address === null ? text : `<a href="${escaped(address)}">${text}</a>`;
    },
    // An image would be fetched from wherever an answer says; whoever wants to see it opens it.
    image({ href, text }) {
      const address = safeAddress(href);
      const title = escaped(`Image: ${text === "" ? "without a description" : text}`);
      return address === null ? title : `<a href="${escaped(address)}">${title}</a>`;
    },
  },
});

/** Cut as whole blocks that stay as they are while the text grows behind them. */
const kindsThatGrow = new Set(["paragraph", "heading", "list", "blockquote", "table", "text"]);

/** The HTML of each block of a text, which has to be sanitized. What is open at the end of a growing text is shown as if it were closed. */
export function blocksOf(text: string, isGrowing: boolean): readonly string[] {
  try {
    const tokens = marked.lexer(text);
    const last = tokens.at(-1);
    if (isGrowing && last !== undefined && kindsThatGrow.has(last.type)) {
      const tail = marked.lexer(completeTail(last.raw));
      return [...htmlOf(tokens, tokens.slice(0, -1)), ...htmlOf(tokens, tail)];
    }

    return htmlOf(tokens, tokens);
  } catch {
    // Such as thousands of quotes in each other.
    return [`<p>${escaped(text)}</p>`];
  }
}

function htmlOf({ links }: TokensList, tokens: readonly Token[]): string[] {
  return tokens.filter(({ type }) => type !== "space" && type !== "def").map((token) => marked.parser(Object.assign([token], { links })));
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
