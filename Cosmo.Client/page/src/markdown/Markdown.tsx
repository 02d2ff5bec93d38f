import { Component, type ComponentChild } from "preact";
import { useMemo } from "preact/hooks";
import { blocksOf } from "./blocks.js";
import { elementsOf } from "./elements.js";
import { sanitize } from "./sanitize.js";

/** A text as headings, lists, tables and so on. While it grows only its last block changes. */
export function Markdown({ text, isGrowing }: { text: string; isGrowing: boolean }) {
  const blocks = useMemo(() => blocksOf(text, isGrowing), [text, isGrowing]);
  return <>{blocks.map((html, index) => <Block key={index} html={html} />)}</>;
}

class Block extends Component<{ html: string }> {
  override shouldComponentUpdate({ html }: { html: string }): boolean {
    return html !== this.props.html;
  }

  override render({ html }: { html: string }): ComponentChild {
    return <>{elementsOf(sanitize(html))}</>;
  }
}
