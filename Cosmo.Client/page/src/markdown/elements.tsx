import { type ComponentChild, h } from "preact";
import { CodeBlock } from "./CodeBlock.js";
import { ScrollBox } from "./ScrollBox.js";

/** Blocks whose direction of writing is that of their own text. */
const written = new Set(["p", "li", "ul", "ol", "blockquote", "td", "th"]);

/** Sanitized nodes as elements of the page, so that only what changed is changed there. */
export function elementsOf(parent: ParentNode): ComponentChild[] {
  return [...parent.childNodes].map(elementOf);
}

function elementOf(node: Node): ComponentChild | ComponentChild[] {
  if (!(node instanceof HTMLElement)) {
    return node.nodeType === Node.TEXT_NODE ? node.textContent : null;
  }

  const children = elementsOf(node);
  const name = node.localName;
  switch (name) {
    case "a":
      return !node.hasAttribute("href") ? children : <a href={node.getAttribute("href")!} target="_blank" rel="noopener noreferrer nofollow">{children}</a>;
    case "pre":
      return <CodeBlock language={node.dataset["lang"] ?? ""} text={node.textContent ?? ""} />;
    case "table":
      return <ScrollBox label="Table"><table>{children}</table></ScrollBox>;
    case "h1":
    case "h2":
    case "h3":
    case "h4":
    case "h5":
    case "h6":
      // Below the page's own headings, of which the one before this says who speaks.
      return h(name, { dir: "auto", "aria-level": Math.min(6, Number(name[1]) + 2) }, children);
    case "ol":
      return <ol dir="auto" start={Number(node.getAttribute("start") ?? 1)}>{children}</ol>;
    case "td":
    case "th":
      return h(name, { dir: "auto", class: alignment(node.getAttribute("align")) }, children);
    case "br":
    case "hr":
      return h(name, null);
    default:
      return h(name, written.has(name) ? { dir: "auto" } : null, children);
  }
}

function alignment(align: string | null): string | undefined {
  return align === "center" || align === "right" ? `align-${align}` : undefined;
}
